create or replace function public.wallet_require_username(
  p_username text
)
returns text
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_username constant text := wallet.username(p_username);
begin
  if v_username is null or v_username !~ '^[a-z0-9_.-]{3,64}$' then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'username', 'reason', 'must be 3 to 64 of a-z, 0-9, _, . and -'));
  elsif pg_input_is_valid(v_username, 'uuid') then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'username', 'reason', 'must not look like a UUID'));
  end if;

  if exists (select from wallet.users u where u.username = v_username)
    or exists (select from wallet.reserved_names n where n.digest = wallet.name_digest(v_username))
  then
    perform wallet.raise_error('WA005', jsonb_build_object('field', 'username', 'username', v_username));
  end if;
  return v_username;
end;
$$;

comment on function public.wallet_require_username(text) is
$$ Returns the name as it is stored (folded to lower case) if a new user can have it now, before a password is hashed
for nothing. wallet_register() asks again.

Errors: WA002 invalid argument; WA005 username already taken. $$;
