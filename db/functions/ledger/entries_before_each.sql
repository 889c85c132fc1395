-- An entry's time never falls as seq rises, so a moment is found by probing, without an index on time. The next probe
-- is where the moment would lie if entries came evenly: a few probes mostly. Every third probe halves, so that it
-- takes O(log n) however they came. One statement for all moments, because each that a function begins costs as much
-- as a probe.
create or replace function wallet.entries_before_each(
  p_wallet_id uuid,
  p_moments timestamptz[]
)
returns table (at timestamptz, entries bigint)
language sql
stable
as $$
  -- invariant: entry low is before the moment, entry high is not, where there are such entries
  with recursive probed (place, at, low, low_at, high, high_at, probes) as (
    select m.place, m.at, i.low, f.recorded_at, case when i.low = 1 then n.seq else i.low + 1 end, n.recorded_at, 1
    from unnest(p_moments) with ordinality as m (at, place)
    left join wallet.newest_entry(p_wallet_id) n on true
    left join wallet.entry_recorded_at(p_wallet_id, 1) f on true
    cross join lateral (
      select case when n.seq is null or m.at <= f.recorded_at then 0 when n.recorded_at < m.at then n.seq else 1 end
    ) as i (low)
    union all
    select s.place, s.at, case when r.is_before then p.seq else s.low end,
      case when r.is_before then e.recorded_at else s.low_at end, case when r.is_before then s.high else p.seq end,
      case when r.is_before then s.high_at else e.recorded_at end, s.probes + 1
    from probed s
    cross join lateral (
      select least(greatest(case
        when s.probes % 3 = 0 then (s.low + s.high) / 2
        else s.low + (
          (s.high - s.low) * (date_part('epoch', s.at - s.low_at) / date_part('epoch', s.high_at - s.low_at))
        )::bigint
      end, s.low + 1), s.high - 1)
    ) as p (seq)
    left join lateral wallet.entry_recorded_at(p_wallet_id, p.seq) e on true
    cross join lateral (select coalesce(e.recorded_at < s.at, false)) as r (is_before)
    where s.high - s.low > 1
  )
  select s.at, s.low
  from probed s
  where s.high - s.low <= 1
  order by s.place
$$;

comment on function wallet.entries_before_each(uuid, timestamptz[]) is
  'How many entries of a user wallet were recorded before each of these moments, which is also the seq of the last of them.';
