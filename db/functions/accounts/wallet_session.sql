create or replace function public.wallet_session(
  p_session_hash bytea
)
returns table (user_id uuid, username text, role text, wallet_id uuid, expires_at timestamptz)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select p.user_id, p.username, p.role, p.wallet_id, s.expires_at
  from wallet.require_service()
  cross join wallet.sessions s
  cross join lateral public.wallet_principal(s.user_id, null, s.token_generation) p
  where s.session_hash = p_session_hash and s.expires_at > statement_timestamp()
$$;

comment on function public.wallet_session(bytea) is
$$ The user of a session of the pages, as stored now, with the default wallet; no row where the session is unknown, has
ended or expired, or where the user was signed out everywhere or erased.

p_session_hash the SHA-256 of the session's id

Errors: WA035 another login than the service's or an administrator's. $$;
