create or replace function public.wallet_start_verification(
  p_holder integer,
  p_actor uuid default null
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
  v_run_id bigint;
begin
  perform wallet.require_operator(p_actor);
  perform wallet.require_service();
  if (p_holder = wallet.verification_holder()) is not true then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'holder', 'reason', 'must be what wallet_claim_verification() returned'));
  end if;

  insert into wallet.verification_runs as r (actor, holder) values (p_actor, p_holder)
  returning r.id into v_run_id;
  perform wallet.record_action(p_actor, 'verify', null, null, p_detail => jsonb_build_object('run_id', v_run_id));
  return v_run_id;
end;
$$;

comment on function public.wallet_start_verification(integer, uuid) is
$$ Operators: notes that a verification starts, for everybody to see; returns its id. For the service.

p_holder what wallet_claim_verification() returned, in a transaction that is still open
p_actor  the operator; null for an administrator

Errors: WA002 invalid argument; WA027 operators only; WA035 the service and administrators only. $$;
