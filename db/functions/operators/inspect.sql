create or replace function wallet.inspect(
  p_wallet_id uuid,
  p_of text,
  p_actor uuid
)
returns uuid
language plpgsql
volatile
as $$
declare
  v_owner_id uuid;
begin
  perform wallet.require_operator(p_actor);
  if p_wallet_id is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'wallet_id', 'reason', 'must not be null'));
  end if;
  select w.owner_id into v_owner_id
  from wallet.wallets w
  where w.id = p_wallet_id and wallet.is_visible(w, null);
  if not found then
    perform wallet.raise_error('WA001', jsonb_build_object('wallet_id', p_wallet_id));
  end if;

  perform wallet.record_action(
    p_actor, 'read', v_owner_id, p_wallet_id, p_detail => jsonb_build_object('of', p_of)
  );
  return v_owner_id;
end;
$$;

comment on function wallet.inspect(uuid, text, uuid) is
  'Lets an operator see what the owner of a user wallet sees, and notes it; returns the owner, in whose name it is read then. p_of: what is read. Errors: WA001, WA002, WA027.';
