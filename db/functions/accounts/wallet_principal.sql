create or replace function public.wallet_principal(
  p_user_id uuid,
  p_token_id uuid default null,
  p_generation integer default null
)
returns table (user_id uuid, username text, role text, wallet_id uuid)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select u.id, u.username, u.role, w.id
  from wallet.users u
  join wallet.wallets w on w.owner_id = u.id and w.asset = wallet.default_asset()
  where u.id = p_user_id and u.erased_at is null
    and (p_generation is null or u.token_generation = p_generation)
    and not exists (select from wallet.revocations r where r.token_id = p_token_id)
$$;

comment on function public.wallet_principal(uuid, uuid, integer) is
$$ The user with this id, as stored now, with the default wallet; no row when there is none, or the token was revoked.

p_token_id   as the service derives it from the token; null: no token is asked for
p_generation the token's generation; null: any $$;
