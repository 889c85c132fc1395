-- The result is written here, where it is found: whoever has the service's login cannot note another one.
create or replace function public.wallet_run_verification(
  p_run_id bigint
)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  c_kept constant integer := 100;
  c_longest constant integer := 500;
  c_rules constant integer := cardinality(wallet.verification_rules());
  v_began constant timestamptz := clock_timestamp();
  v_found record;
  v_violations bigint := 0;
  v_warnings bigint := 0;
  v_findings jsonb := '[]';
  v_verification_id bigint;
begin
  perform wallet.require_service();
  if wallet.verification_holder() is distinct from pg_backend_pid() or not exists (
    select
    from wallet.verification_runs r
    where r.id = p_run_id and r.holder = pg_backend_pid() and r.verification_id is null and r.error is null
  ) then
    perform wallet.raise_error('WA002', jsonb_build_object(
      'field', 'run_id', 'reason', 'must be of a verification that this transaction has claimed'
    ));
  end if;

  for v_found in select * from public.wallet_verify() loop
    if v_found.violation ^@ 'warning: ' then
      v_warnings := v_warnings + 1;
    else
      v_violations := v_violations + 1;
    end if;
    if v_violations + v_warnings <= c_kept then
      v_findings := v_findings || (to_jsonb(v_found) || jsonb_build_object('detail', left(v_found.detail, c_longest)));
    end if;
  end loop;

  insert into wallet.verifications as v (violations, seconds)
  values (v_violations, greatest(extract(epoch from clock_timestamp() - v_began), 0))
  returning v.id into v_verification_id;
  update wallet.verification_runs r
  set verification_id = v_verification_id, warnings = v_warnings, findings = v_findings, noted_at = clock_timestamp(),
    rule = null, rules_done = c_rules, rules = c_rules, part = null
  where r.id = p_run_id;
  return v_violations;
end;
$$;

comment on function public.wallet_run_verification(bigint) is
$$ Judges all rules of wallet_verify(), in one snapshot, and records the result; returns the number of violations. It
takes as long as the ledger is long: switch statement_timeout and lock_timeout off before. For the service.

p_run_id of the verification that this transaction has claimed, and that was started with it

Progress comes as messages of level DEBUG1 whose text is `pgwallet verification`, with JSON for their detail.
Errors: WA002 invalid argument; WA035 the service and administrators only. $$;
