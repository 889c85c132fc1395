create or replace function public.wallet_verification_runs(
  p_limit integer default 50,
  p_before_id bigint default null,
  p_run_id bigint default null,
  p_actor uuid default null
)
returns table (
  id bigint, status text, actor uuid, actor_username text, started_at timestamptz, ended_at timestamptz,
  seconds double precision, violations bigint, warnings bigint, rule text, rules_done integer, rules integer,
  part double precision, error text, findings jsonb
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_holder integer;
begin
  perform wallet.require_operator(p_actor);
  if p_limit is null or p_limit not between 1 and 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'limit', 'reason', 'must be between 1 and 1000'));
  elsif p_before_id < 1 then
    perform wallet.raise_error('WA024', jsonb_build_object('field', 'cursor'));
  end if;

  -- before the rows are read: a run that ends between the two has its result then
  v_holder := wallet.verification_holder();
  return query
  select r.id, s.status, r.actor, u.username, r.started_at,
    case s.status when 'finished' then v.ended_at when 'interrupted' then r.noted_at end,
    round(v.seconds::numeric, 3)::double precision, v.violations, case s.status when 'finished' then r.warnings end,
    r.rule, r.rules_done, r.rules, r.part, r.error, case when p_run_id is not null then r.findings end
  from wallet.verification_runs r
  left join wallet.verifications v on v.id = r.verification_id
  left join wallet.users u on u.id = r.actor
  cross join lateral (
    select case
      when r.verification_id is not null then 'finished'
      when r.error is null and r.holder = v_holder and r.id = (select max(n.id) from wallet.verification_runs n) then 'running'
      else 'interrupted'
    end
  ) as s (status)
  where r.id < coalesce(p_before_id, 9223372036854775807) and (p_run_id is null or r.id = p_run_id)
  order by r.id desc
  limit p_limit;
end;
$$;

comment on function public.wallet_verification_runs(integer, bigint, bigint, uuid) is
$$ Operators: the verifications that operators started, newest first, a page at a time, and how far each is.

p_limit     rows in the page, 1 to 1000
p_before_id the id of the last row of the page before; null for the newest page
p_run_id    only this one, with its findings; null for all, without them
p_actor     the operator; null for an administrator

status is running, finished or interrupted: whoever ran it is gone, or says in error why it ended. part is how much of
the rule is judged, where that is known. ended_at of an interrupted one is when it was last heard of.
Errors: WA002 invalid argument; WA024 invalid cursor; WA027 operators only. $$;
