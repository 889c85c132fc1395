create or replace function wallet.is_trusted()
returns boolean
language sql
stable
as $$
  select pg_has_role(session_user, 'wallet_owner', 'member')
$$;

comment on function wallet.is_trusted() is
  'True for an administrator, who need not name an actor: a login that is a member of wallet_owner, or a superuser. SET ROLE changes nothing.';
