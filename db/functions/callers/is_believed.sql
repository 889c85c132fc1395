-- An expression, so that the planner inlines it: every call asks.
create or replace function wallet.is_believed()
returns boolean
language sql
stable
as $$
  select pg_has_role(session_user, 'wallet_api', 'member') or pg_has_role(session_user, 'wallet_owner', 'member')
$$;

comment on function wallet.is_believed() is
  'True where whom the login names as the actor needs no proof: the service has verified it, and an administrator may do anything.';
