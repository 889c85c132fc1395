create or replace function wallet.revoke_tokens(
  p_user_id uuid
)
returns integer
language plpgsql
volatile
as $$
declare
  v_generation integer;
begin
  update wallet.users as u
  set token_generation = u.token_generation + 1
  where u.id = p_user_id
  returning u.token_generation into v_generation;
  if not found then
    perform wallet.raise_error('WA029', jsonb_build_object('user_id', p_user_id));
  end if;

  delete from wallet.sessions s where s.user_id = p_user_id;
  perform wallet.record_revocation(p_user_id, null, clock_timestamp() + interval '1 day');
  return v_generation;
end;
$$;

comment on function wallet.revoke_tokens(uuid) is
  'Ends all tokens and sessions of a user, also of a sign-in that is under way; returns the generation of those that are valid from now on. Raises WA029.';
