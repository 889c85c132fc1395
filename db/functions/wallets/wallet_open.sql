create or replace function public.wallet_open(
  p_owner_id uuid,
  p_asset text,
  p_actor uuid default null
)
returns table (
  wallet_id uuid, asset text, scale smallint, status text, balance bigint, held bigint, available bigint,
  created_at timestamptz, opened boolean
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_request wallet.request;
  v_asset wallet.assets;
  v_wallet_id uuid;
  v_opened boolean;
begin
  perform wallet.require_read_committed();
  perform wallet.require_owner(p_owner_id, p_actor, null);
  select a.* into v_asset
  from wallet.assets a
  where a.code = p_asset;
  if not found then
    perform wallet.raise_error('WA026', jsonb_build_object('field', 'asset', 'asset', p_asset));
  end if;

  -- a user who is erased meanwhile opens no wallet, because the erasure would miss it
  perform from wallet.users u where u.id = p_owner_id and u.erased_at is null for key share;
  if not found then
    perform wallet.raise_error('WA029', jsonb_build_object('user_id', p_owner_id));
  end if;
  insert into wallet.wallets as w (id, owner_id, asset, kind)
  values (wallet.new_id(), p_owner_id, v_asset.code, 'user')
  on conflict on constraint wallets_owner_asset_key do nothing
  returning w.id into v_wallet_id;
  v_opened := found;
  if v_opened then
    perform wallet.record_account_event('wallet.opened', p_owner_id, v_wallet_id);
  end if;
  if v_opened and v_asset.signup_bonus > 0 then
    v_request.type := 'bonus';
    v_request.wallet_id := v_wallet_id;
    v_request.txn_id := gen_random_uuid();
    v_request.amount := v_asset.signup_bonus;
    v_request.actor := p_owner_id;
    perform wallet.result_or_raise(wallet.execute(v_request));
  end if;

  return query
  select l.*, v_opened
  from public.wallet_list(p_owner_id, p_actor) l
  where l.asset = v_asset.code;
end;
$$;

comment on function public.wallet_open(uuid, text, uuid) is
$$ Opens a user's wallet in an asset, with the asset's sign-up bonus if it has one; an open wallet is returned as it is.

opened  tells whether this call has opened it
p_actor the user on whose behalf it is called, who must be the owner; null for an administrator alone

Errors: WA002 invalid argument; WA026 unknown asset; WA029 unknown user. $$;
