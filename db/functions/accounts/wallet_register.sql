create or replace function public.wallet_register(
  p_username text,
  p_password_hash text
)
returns table (
  user_id uuid,
  username text,
  wallet_id uuid,
  asset text,
  scale smallint,
  balance bigint,
  available bigint,
  created_at timestamptz
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_request wallet.request;
  v_username text;
  v_user wallet.users;
  v_asset wallet.assets;
  v_wallet_id uuid;
  v_balance bigint := 0;
  v_home smallint;
  v_number smallint;
begin
  perform wallet.require_read_committed();
  v_username := public.wallet_require_username(p_username);
  perform wallet.require_hash(p_password_hash);

  -- another session may have taken the name since
  insert into wallet.users as u (id, username, password_hash)
  values (wallet.new_id(), v_username, p_password_hash)
  on conflict on constraint users_username_key do nothing
  returning u.* into v_user;
  -- an erasure that freed the name just now has reserved it, which is visible only after the insert waited for it
  if not found or exists (select from wallet.reserved_names n where n.digest = wallet.name_digest(v_username)) then
    perform wallet.raise_error('WA005', jsonb_build_object('field', 'username', 'username', v_username));
  end if;
  -- only now, because wallet_join_cluster() waits for whoever has inserted
  select wallet.home_of(v_username, h.numbers), s.number into strict v_home, v_number
  from wallet.homes h
  cross join wallet.shard s
  order by h.generation desc
  limit 1;
  if v_home <> v_number then
    perform wallet.raise_error('WA046', jsonb_build_object(
      'field', 'username', 'username', v_username, 'home', v_home, 'number', v_number
    ));
  end if;

  select a.* into strict v_asset
  from wallet.assets a
  where a.code = wallet.default_asset();
  insert into wallet.wallets as w (id, owner_id, asset, kind)
  values (wallet.new_id(), v_user.id, v_asset.code, 'user')
  returning w.id into v_wallet_id;
  perform wallet.record_account_event('user.signed_up', v_user.id);
  perform wallet.record_account_event('wallet.opened', v_user.id, v_wallet_id);
  if v_asset.signup_bonus > 0 then
    v_request.type := 'bonus';
    v_request.wallet_id := v_wallet_id;
    v_request.txn_id := gen_random_uuid();
    v_request.amount := v_asset.signup_bonus;
    v_request.actor := v_user.id;
    v_balance := (wallet.result_or_raise(wallet.execute(v_request))).balance;
  end if;

  return query
  select v_user.id, v_user.username, v_wallet_id, v_asset.code, v_asset.scale, v_balance, v_balance, v_user.created_at;
end;
$$;

comment on function public.wallet_register(text, text) is
$$ Creates a user, the user's wallet in the default asset and its sign-up bonus, all or nothing.

p_username      3 to 64 of a-z, 0-9, _, . and - (folded to lower case), nothing that parses as a UUID
p_password_hash as the service's password hasher made it; never a password

Returns the new user and wallet; balance and available in minor units of asset.
Errors: WA002 invalid argument; WA005 username already taken; WA046 the name lives in another database. $$;
