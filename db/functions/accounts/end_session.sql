create or replace function wallet.end_session(
  p_session_hash bytea
)
returns void
language plpgsql
volatile
as $$
declare
  v_session wallet.sessions;
begin
  -- the user first, as an erasure locks them
  perform
  from wallet.users u
  where u.id = (select s.user_id from wallet.sessions s where s.session_hash = p_session_hash)
  for key share;
  delete from wallet.sessions s
  where s.session_hash = p_session_hash
  returning s.* into v_session;
  if found then
    perform wallet.record_revocation(
      v_session.user_id, encode(substr(p_session_hash, 1, 16), 'hex')::uuid, v_session.expires_at
    );
  end if;
end;
$$;

comment on function wallet.end_session(bytea) is
  'Ends a session of the pages, if there is one, and has the service''s processes verify again what the user opened.';
