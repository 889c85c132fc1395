create or replace function public.wallet_start_session(
  p_session_hash bytea,
  p_user_id uuid,
  p_generation integer
)
returns timestamptz
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  c_sessions constant bigint := 100;
  v_now constant timestamptz := clock_timestamp();
  v_expires_at timestamptz;
begin
  perform wallet.require_service();
  if p_session_hash is null or length(p_session_hash) <> 32 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'session_hash', 'reason', 'must have 32 bytes'));
  end if;

  -- locked, so that the user is not signed out everywhere or erased meanwhile, and sessions are counted one at a time
  perform
  from wallet.users u
  where u.id = p_user_id and u.token_generation = p_generation and u.erased_at is null
  for no key update;
  if not found then
    perform wallet.raise_error('WA029', jsonb_build_object('user_id', p_user_id));
  end if;

  perform wallet.end_session(o.session_hash)
  from (
    select s.session_hash
    from wallet.sessions s
    where s.user_id = p_user_id
    order by s.expires_at desc
    offset c_sessions - 1
  ) o;
  -- each call adds one row and removes expired ones, so the table stays small without a job; last, because what others
  -- wait for here must not wait for them
  delete from wallet.sessions s
  where s.session_hash in (
    select e.session_hash
    from wallet.sessions e
    where e.expires_at < statement_timestamp()
    order by e.expires_at
    limit 10
    for update skip locked
  );
  insert into wallet.sessions as s (session_hash, user_id, token_generation, started_at, expires_at)
  values (p_session_hash, p_user_id, p_generation, v_now, v_now + interval '1 day')
  on conflict on constraint sessions_pkey do update
  set token_generation = excluded.token_generation
  where s.user_id = excluded.user_id
  returning s.expires_at into v_expires_at;
  if not found then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'session_hash', 'reason', 'is another user''s'));
  end if;
  return v_expires_at;
end;
$$;

comment on function public.wallet_start_session(bytea, uuid, integer) is
$$ Begins a session of the pages for a user who has just signed in; returns when it expires, a day later. Again returns
the same. It ends before that when all tokens of the user do, or when the user has begun 100 newer ones.

p_session_hash the SHA-256 of the session's id: whoever calls makes that of at least 256 random bits
p_generation   the generation of the user's tokens that the sign-in returned

Errors: WA002 invalid argument; WA029 unknown user, or signed out everywhere since the sign-in; WA035 another login than
the service's or an administrator's. $$;
