create or replace function public.wallet_balance_history(
  p_wallet_id uuid,
  p_from timestamptz,
  p_to timestamptz,
  p_points integer,
  p_actor uuid default null,
  p_key_id uuid default null
)
returns table (at timestamptz, balance bigint)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  c_seconds constant numeric := 100 * 366 * 86400.0;
  v_micros numeric;
begin
  perform wallet.require_wallet(p_wallet_id, p_actor, p_key_id);
  if p_from is null or not isfinite(p_from) then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'from', 'reason', 'must be a moment in time'));
  elsif p_to is null or not isfinite(p_to) then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'to', 'reason', 'must be a moment in time'));
  elsif p_from >= p_to then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'from', 'reason', 'must be before to'));
  elsif extract(epoch from p_to) - extract(epoch from p_from) > c_seconds then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'from', 'reason', 'must be at most 100 years before to'));
  elsif p_points is null or p_points not between 2 and 400 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'points', 'reason', 'must be between 2 and 400'));
  end if;

  -- steps in microseconds, because days would be those of the session's time zone
  v_micros := extract(epoch from p_to - p_from) * 1000000;
  return query
  select e.at, coalesce(l.balance_after, 0)
  from wallet.entries_before_each(p_wallet_id, array(
    select p_from + (v_micros * i.step / (p_points - 1))::bigint * interval '1 microsecond'
    from generate_series(0, p_points - 1) as i (step)
  )) e
  left join lateral (
    select x.balance_after
    from wallet.ledger x
    where x.wallet_id = p_wallet_id and x.seq = e.entries
    limit 1
  ) l on true
  order by e.at;
end;
$$;

comment on function public.wallet_balance_history(uuid, timestamptz, timestamptz, integer, uuid, uuid) is
$$ The balance of a user wallet at p_points evenly spaced moments, oldest first: the first is p_from, the last p_to.
Each is the sum of the entries recorded before its moment, in minor units of the wallet's asset.

p_from, p_to recorded time, p_from before p_to and at most 100 years; p_to may lie in the future
p_points     2 to 400
p_actor      the user on whose behalf it is called; null for an administrator alone
p_key_id     the key of a machine that acts for that user; null for none

It waits for no writer: an entry that is being recorded now can still move the last points, which wallet_balance_at()
does not allow. Takes O(log n) probes for each point.
Errors: WA001 unknown wallet; WA002 invalid argument; WA047 not for this key. $$;
