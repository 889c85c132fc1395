-- One statement locks both wallets in the order of their ids, so that two transfers in opposite directions wait for
-- each other instead of deadlocking. Neither is locked unless the sender's wallet is the actor's: whoever names
-- strangers' wallets must not be able to hold them up.
create or replace function wallet.lock_both(
  p_wallet_id uuid,
  p_to_wallet_id uuid,
  p_actor uuid
)
returns void
language plpgsql
volatile
as $$
begin
  perform from wallet.wallets w
  where w.id in (p_wallet_id, p_to_wallet_id) and w.kind = 'user' and exists (
    select from wallet.wallets s where s.id = p_wallet_id and wallet.is_visible(s, p_actor)
  )
  order by w.id
  for update;
end;
$$;

comment on function wallet.lock_both(uuid, uuid, uuid) is 'Locks the two wallets of a transfer, unless the actor may not use the first.';
