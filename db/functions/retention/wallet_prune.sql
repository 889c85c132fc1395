-- A window of the oldest rows is looked at, whatever is in it: no call costs as much as a table. The audit's row is
-- written by the statement that removes, because its trigger looks for it.
create or replace function public.wallet_prune(
  p_limit integer default 1000,
  p_dry_run boolean default false
)
returns table (
  subject text, keep_days integer, removed bigint, oldest timestamptz, newest timestamptz
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
  -- the bytes of "pgwprune"
  c_lock constant bigint := 8099573779689467493;
  c_old constant text := '
    select %2$s from (select t.* from wallet.%1$I t where %3$s order by %4$s limit $2) t where %5$s < $1';
  c_remove constant text := '
    with gone as (
      delete from wallet.%1$I t
      where (%2$s) in (
        select %2$s from wallet.%1$I t where (%2$s) in (' || c_old || ') for update skip locked
      )
      returning %5$s as at
    ), seen as (
      select count(*) as removed, min(g.at) as oldest, max(g.at) as newest from gone g
    )
    select s.*, case when $3 and s.removed > 0 then wallet.record_action(
      null, ''prune'', null, null,
      p_detail => jsonb_build_object(
        ''of'', $4, ''rows'', s.removed, ''from'', s.oldest, ''up_to'', s.newest, ''login'', session_user
      )
    ) end
    from seen s';
  c_count constant text := '
    select count(*), min(o.at), max(o.at)
    from (' || replace(c_old, 'select %2$s', 'select %5$s as at') || ') o';
  v_left bigint := p_limit;
  v_rule record;
begin
  perform wallet.require_service();
  if p_limit is null or p_limit not between 1 and (case when p_dry_run then 1000000 else 10000 end) then
    perform wallet.raise_error('WA002', jsonb_build_object(
      'field', 'limit', 'reason', 'must be between 1 and 10000, and of a dry run up to 1000000'
    ));
  elsif p_dry_run is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'dry_run', 'reason', 'must not be null'));
  elsif not p_dry_run and not pg_try_advisory_xact_lock(c_lock) then
    return;
  end if;

  for v_rule in select * from wallet.retention_rules() loop
    subject := v_rule.subject;
    keep_days := v_rule.keep_days;
    if v_rule.until is null then
      removed := 0;
      oldest := null;
      newest := null;
    elsif p_dry_run then
      execute format(c_count, v_rule.relation, v_rule.key, v_rule.condition, v_rule.place, v_rule.at)
      into removed, oldest, newest
      using v_rule.until, p_limit;
    else
      execute format(c_remove, v_rule.relation, v_rule.key, v_rule.condition, v_rule.place, v_rule.at)
      into removed, oldest, newest
      using v_rule.until, v_left, v_rule.is_recorded, v_rule.subject;
      v_left := v_left - removed;
    end if;
    return next;
    exit when v_left = 0;
  end loop;
end;
$$;

comment on function public.wallet_prune(integer, boolean) is
$$ Removes what the rules of wallet.retention let go, and what has expired: a step, oldest first. Returns for each
subject how many rows went, and from when they were; no row while another call removes. Call it again until nothing
goes. What has a rule is on record: how many, up to when, and by which login. For the relay and administrators.

p_limit   rows that go at most, 1 to 10000
p_dry_run true: removes nothing, and counts what would go, of each subject at most p_limit, which is then up to 1000000

keep_days is null for ever. Never goes: what waits, the newest verification and the newest without a violation, the
newest verification that an operator started, and of the audit what the books rest on (status, limits, what moved money,
erasures).
Errors: WA002 invalid argument; WA035 the service and administrators only. $$;
