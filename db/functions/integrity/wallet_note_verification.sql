create or replace function public.wallet_note_verification(
  p_run_id bigint,
  p_rule text default null,
  p_rules_done integer default null,
  p_rules integer default null,
  p_part double precision default null,
  p_error text default null
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_service();

  update wallet.verification_runs r
  set noted_at = clock_timestamp(), rule = coalesce(left(p_rule, 64), r.rule),
    rules = nullif(greatest(coalesce(p_rules, r.rules), coalesce(p_rules_done, r.rules_done)), 0),
    rules_done = greatest(coalesce(p_rules_done, r.rules_done), 0),
    part = case when p_error is null then least(greatest(p_part, 0), 1) else r.part end, error = left(p_error, 300)
  where r.id = p_run_id and r.verification_id is null and r.error is null;
end;
$$;

comment on function public.wallet_note_verification(bigint, text, integer, integer, double precision, text) is
$$ Notes how far a verification is, as its messages tell, or why it ended without a result. For the service.

p_rule, p_part  which rule is judged, and how much of it is: 0 to 1, null where that is not known
p_rules_done, p_rules  how many are judged, of how many
p_error         why it ended; what was noted before stays

Errors: WA035 the service and administrators only. $$;
