create or replace function public.wallet_set_role(
  p_username text,
  p_role text
)
returns table (user_id uuid, username text, role text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_before wallet.users;
begin
  perform wallet.require_trust();
  if p_role is null or p_role not in ('user', 'operator') then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'role', 'reason', 'must be user or operator'));
  end if;

  select u.* into v_before
  from wallet.users u
  where u.username = wallet.username(p_username) and wallet.is_here(u.id)
  for no key update;
  if not found then
    perform wallet.raise_error('WA029', jsonb_build_object('username', p_username));
  end if;
  update wallet.users u set role = p_role where u.id = v_before.id;
  perform wallet.revoke_tokens(v_before.id);
  -- whoever made a token for a user must not become an operator by it, nor anybody else when no operator any more
  delete from wallet.password_resets r where v_before.id in (r.user_id, r.actor);
  delete from wallet.operator_logins l where l.user_id = v_before.id;
  perform wallet.record_action(
    null, 'role', v_before.id, null,
    p_before => jsonb_build_object('role', v_before.role), p_detail => jsonb_build_object('role', p_role)
  );
  perform wallet.record_account_event(
    'user.role_changed', v_before.id, null, jsonb_build_object('role', p_role, 'previous_role', v_before.role)
  );

  return query select v_before.id, v_before.username, p_role;
end;
$$;

comment on function public.wallet_set_role(text, text) is
$$ Makes a user an operator, or a user again, and signs the user out everywhere. A password reset token of the user
ends, and so do those that the user made for others. The change is on record. Where there are several databases, it is
called where the user lives, and wallet_copy_operator() in the others. For administrators: the service cannot call it.

Errors: WA002 invalid argument; WA035 administrators only; WA029 unknown user. $$;
