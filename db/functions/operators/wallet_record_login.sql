-- The row alone lets nobody do anything: the login must be a member of wallet_operator, too.
create or replace function public.wallet_record_login(
  p_login text,
  p_username text
)
returns table (login text, user_id uuid, username text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_user wallet.users;
  v_before wallet.operator_logins;
begin
  perform wallet.require_trust();
  if p_login is null or not exists (select from pg_roles r where r.rolname = p_login and r.rolcanlogin) then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'login', 'reason', 'must be a login of this server'));
  end if;
  -- the role stays as it is until the row is written
  select u.* into v_user
  from wallet.users u
  where u.username = wallet.username(p_username)
  for no key update;
  if not found then
    perform wallet.raise_error('WA029', jsonb_build_object('username', p_username));
  elsif v_user.role <> 'operator' then
    perform wallet.raise_error('WA027', jsonb_build_object('actor', v_user.id));
  end if;

  select l.* into v_before
  from wallet.operator_logins l
  where l.login = p_login
  for update;
  if v_before.user_id is distinct from v_user.id then
    if v_before.user_id is not null then
      perform wallet.record_action(null, 'login_removed', v_before.user_id, null);
    end if;
    insert into wallet.operator_logins (login, user_id)
    values (p_login, v_user.id)
    on conflict on constraint operator_logins_pkey do update
    set user_id = excluded.user_id, created_at = excluded.created_at;
    perform wallet.record_action(null, 'login_recorded', v_user.id, null);
  end if;

  return query select p_login, v_user.id, v_user.username;
end;
$$;

comment on function public.wallet_record_login(text, text) is
$$ Records that a login is an operator's, and nobody else's from now on: members of wallet_operator call in this name and
no other. On record with the operator's id, without the login's name, which can be a person's. For administrators.

Errors: WA002 no such login; WA027 not an operator; WA029 unknown user; WA035 administrators only. $$;
