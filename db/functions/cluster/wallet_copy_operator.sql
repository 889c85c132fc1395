-- Other tables refer to who did something, so an operator has a row in every database. It has no wallet and no
-- password, and its id says that the user lives elsewhere. The name goes with the role, so that an erasure where the
-- user lives leaves none behind.
create or replace function public.wallet_copy_operator(
  p_user_id uuid,
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
  v_username text := wallet.username(p_username);
  v_before wallet.users;
begin
  perform wallet.require_read_committed();
  perform wallet.require_trust();
  if p_user_id is null or wallet.is_here(p_user_id) then
    perform wallet.raise_error('WA002', jsonb_build_object(
      'field', 'user_id', 'reason', 'must be of a user of another database'
    ));
  elsif v_username is null or v_username !~ '^[a-z0-9_.-]{3,64}$' then
    perform wallet.raise_error('WA002', jsonb_build_object(
      'field', 'username', 'reason', 'must be 3 to 64 of a-z, 0-9, _, . and -'
    ));
  elsif p_role is null or p_role not in ('user', 'operator') then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'role', 'reason', 'must be user or operator'));
  end if;

  select u.* into v_before
  from wallet.users u
  where u.id = p_user_id
  for no key update;
  if p_role = 'user' and v_before.role is distinct from 'operator' then
    return;
  elsif v_before.erased_at is not null then
    perform wallet.raise_error('WA030', jsonb_build_object('user_id', p_user_id));
  elsif p_role = 'user' then
    v_username := 'former-' || gen_random_uuid();
  elsif exists (select from wallet.users u where u.username = v_username and u.id <> p_user_id) then
    perform wallet.raise_error('WA005', jsonb_build_object('field', 'username', 'username', v_username));
  end if;

  insert into wallet.users as u (id, username, password_hash, role)
  values (p_user_id, v_username, 'elsewhere', p_role)
  on conflict on constraint users_pkey do update
  set username = excluded.username, role = excluded.role;
  if v_before.role is distinct from p_role then
    -- as wallet_set_role() does
    delete from wallet.password_resets r where r.actor = p_user_id;
    delete from wallet.operator_logins l where l.user_id = p_user_id;
    perform wallet.record_action(
      null, 'role', p_user_id, null,
      p_before => jsonb_build_object('role', coalesce(v_before.role, 'user')),
      p_detail => jsonb_build_object('role', p_role)
    );
  end if;

  return query select p_user_id, v_username, p_role;
end;
$$;

comment on function public.wallet_copy_operator(uuid, text, text) is
$$ Makes an operator who lives in another database one of this database, too: a row without a wallet, with which nobody
signs in. Or none any more, and then the row has no name, either. A change of the role is on record.

p_user_id, p_username, p_role what wallet_set_role() returned in the database where the user lives

Returns them as stored; no row where nobody is made an operator who was none. wallet_erase_user() erases a copy like a
user. For administrators.
Errors: WA002 invalid argument; WA005 username already taken; WA030 already erased; WA035 administrators only. $$;
