-- pg_has_role() says yes to a superuser for every role, so superusers are told apart first.
create or replace function wallet.called_by_service()
returns boolean
language sql
stable
as $$
  select current_setting('is_superuser') = 'off' and pg_has_role(session_user, 'wallet_api', 'usage')
$$;

comment on function wallet.called_by_service() is
  'True in a session of the service''s login, where every call must name the user it acts for.';
