-- The lock is a transaction's, so that a transaction pooler keeps it, and whatever ends the run gives it back.
create or replace function public.wallet_claim_verification()
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_service();
  if not pg_try_advisory_xact_lock(wallet.verification_lock()) then
    perform wallet.raise_error('WA045', jsonb_build_object('run_id', (select max(r.id) from wallet.verification_runs r)));
  end if;

  -- a service that is killed must not keep the next run waiting until a rule is judged
  begin
    perform set_config('client_connection_check_interval', '2s', true);
  -- the server's system cannot look
  exception when invalid_parameter_value then
    null;
  end;
  return pg_backend_pid();
end;
$$;

comment on function public.wallet_claim_verification() is
$$ Makes this transaction the one that may verify, until it ends. Then call wallet_start_verification() in another, and
wallet_run_verification() in this one. Returns what the former takes. For the service.

Errors: WA035 the service and administrators only; WA045 a verification runs already, which run_id names. $$;
