create or replace function public.wallet_find(
  p_owner_id uuid,
  p_asset text,
  p_actor uuid default null
)
returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_wallet_id uuid;
begin
  perform wallet.require_owner(p_owner_id, p_actor, null);
  select w.id into v_wallet_id
  from wallet.wallets w
  where w.owner_id = p_owner_id and w.asset = p_asset;
  if not found then
    perform wallet.raise_error('WA001', jsonb_build_object('field', 'asset', 'asset', p_asset));
  end if;
  return v_wallet_id;
end;
$$;

comment on function public.wallet_find(uuid, text, uuid) is
$$ The id of a user's wallet in an asset; it never changes.

p_actor the user on whose behalf it is called, who must be the owner; null for an administrator alone

Errors: WA001 the user has no wallet in this asset; WA002 invalid argument; WA029 unknown user. $$;
