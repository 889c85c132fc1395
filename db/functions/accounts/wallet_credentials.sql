create or replace function public.wallet_credentials(
  p_username text
)
returns table (user_id uuid, username text, role text, wallet_id uuid, password_hash text, token_generation integer)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select u.id, u.username, u.role, w.id, u.password_hash, u.token_generation
  from wallet.require_service()
  cross join wallet.users u
  join wallet.wallets w on w.owner_id = u.id and w.asset = wallet.default_asset()
  where u.username = wallet.username(p_username) and u.erased_at is null and wallet.is_here(u.id)
$$;

comment on function public.wallet_credentials(text) is
  'What sign-in needs: the user of this name (folded to lower case) with password hash, generation of tokens and default wallet; no row when unknown. Errors: WA035 another login than the service''s or an administrator''s.';
