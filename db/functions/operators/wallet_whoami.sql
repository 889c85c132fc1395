create or replace function public.wallet_whoami()
returns table (user_id uuid, username text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select u.id, u.username
  from wallet.operator_logins l
  join wallet.users u on u.id = l.user_id
  where l.login = session_user
$$;

comment on function public.wallet_whoami() is
  'The operator whose login this is, to be named as p_actor; no row where it is nobody''s.';
