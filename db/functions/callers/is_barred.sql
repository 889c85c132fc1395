create or replace function wallet.is_barred(
  p_actor uuid
)
returns boolean
language plpgsql
stable
as $$
begin
  return not wallet.is_believed()
    and exists (select from wallet.users u where u.id = p_actor and u.role = 'operator')
    and not (
      exists (select from wallet.operator_logins l where l.login = session_user and l.user_id = p_actor)
      and pg_has_role(session_user, 'wallet_operator', 'member')
    );
end;
$$;

comment on function wallet.is_barred(uuid) is
  'True for an operator in whose name this login may not call: whoever may execute a function can name any uuid.';
