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
  v_user wallet.users;
begin
  perform wallet.require_trust();
  if p_role is null or p_role not in ('user', 'operator') then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'role', 'reason', 'must be user or operator'));
  end if;

  update wallet.users u
  set role = p_role
  where u.username = wallet.username(p_username)
  returning u.* into v_user;
  if not found then
    perform wallet.raise_error('WA029', jsonb_build_object('username', p_username));
  end if;
  perform wallet.revoke_tokens(v_user.id);

  return query select v_user.id, v_user.username, v_user.role;
end;
$$;

comment on function public.wallet_set_role(text, text) is
$$ Makes a user an operator, or a user again, and signs the user out everywhere. For administrators: the service
cannot call it.

Errors: WA002 invalid argument; WA035 administrators only; WA029 unknown user. $$;
