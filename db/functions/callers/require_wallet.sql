create or replace function wallet.require_wallet(
  p_wallet_id uuid,
  p_actor uuid,
  p_key_id uuid
)
returns table (asset text, scale smallint, status text, floor bigint, has_holds boolean)
language plpgsql
stable
as $$
begin
  if p_key_id is not null then
    perform wallet.require_key(p_key_id, 'read', p_actor);
  end if;
  if p_wallet_id is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'wallet_id', 'reason', 'must not be null'));
  end if;
  perform wallet.require_actor(p_actor);

  return query
  select a.code, a.scale, w.status, w.floor, w.has_holds
  from wallet.wallets w
  join wallet.assets a on a.code = w.asset
  where w.id = p_wallet_id and wallet.is_visible(w, p_actor);
  if not found then
    perform wallet.raise_error('WA001', jsonb_build_object('wallet_id', p_wallet_id));
  end if;
end;
$$;

comment on function wallet.require_wallet(uuid, uuid, uuid) is
  'The asset and state of a user wallet that the actor may read (null: any, for administrators), and the key, if there is one. Errors: WA001, WA002, WA047.';
