create or replace function public.wallet_end_session(
  p_session_hash bytea
)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$ select wallet.end_session(p_session_hash) from wallet.require_service() $$;

comment on function public.wallet_end_session(bytea) is
$$ Ends a session of the pages; again, or of an unknown one, changes nothing. wallet_revocations() tells the service's
processes.

p_session_hash the SHA-256 of the session's id

Errors: WA035 another login than the service's or an administrator's. $$;
