-- The wallet is locked first, as in every mutation and in an erasure: two who wait for one another would deadlock.
create or replace function wallet.locked_confirmation(
  p_id bigint
)
returns wallet.confirmations
language plpgsql
volatile
as $$
declare
  v_confirmation wallet.confirmations;
begin
  perform wallet.require_read_committed();
  if p_id is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'id', 'reason', 'must not be null'));
  end if;
  perform from wallet.wallets w
  where w.id = (select c.wallet_id from wallet.confirmations c where c.id = p_id)
  for update;
  select c.* into v_confirmation
  from wallet.confirmations c
  where c.id = p_id
  for update;
  if not found then
    perform wallet.raise_error('WA039', jsonb_build_object('id', p_id));
  end if;
  return v_confirmation;
end;
$$;

comment on function wallet.locked_confirmation(bigint) is 'Locks a confirmation and its wallet. Errors: WA002, WA007, WA039.';
