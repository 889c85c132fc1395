create or replace function wallet.judge_holds()
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language sql
stable
as $$
  select 'hold', h.wallet_id, null::bigint, null::bigint, concat_ws(
    '; ',
    format('hold %s of %s is %s and has captured %s', h.id, h.amount, h.status, h.captured),
    format('its captures sum to %s, by its events it is %s', s.captured, s.status),
    case when s.has_faults then 'its events do not fit it, its transactions or one another' end,
    case when s.is_altered then 'an event, or one before it, is not what was hashed' end
  )
  from wallet.holds h
  cross join lateral (
    select
      coalesce(sum(e.amount) filter (where e.event = 'capture'), 0) as captured,
      coalesce(max(e.ended) filter (where e.ended is not null), 'open') as status,
      coalesce(bool_or(e.fits is not true or e.ended is not null and e.place < e.events), true) as has_faults,
      coalesce(bool_or(e.is_altered), false) as is_altered
    from (
      select e.event, e.amount, e.place, e.events,
        e.hash is null or e.hash is distinct from e.expected_hash as is_altered,
        case
          when e.event = 'capture' and (e.final or e.amount = e.left_before) then 'captured'
          when e.event = 'void' then 'voided'
          when e.event = 'expired' then 'expired'
        end as ended,
        (e.event = 'hold') = (e.place = 1) and e.wallet_id = h.wallet_id and case e.event
          when 'hold' then e.txn_id = h.txn_id and e.amount = h.amount
          when 'capture' then e.amount between 1 and e.left_before
            and t.type = 'capture' and (t.wallet_id, t.txn_id, t.amount) = (e.wallet_id, e.txn_id, e.amount)
          else e.amount = e.left_before
        end as fits
      from (
        select e.*, wallet.hold_event_hash(e) as expected_hash, row_number() over by_id as place,
          count(*) over () as events,
          h.amount - coalesce(
            sum(e.amount) filter (where e.event = 'capture') over (by_id rows between unbounded preceding and 1 preceding), 0
          ) as left_before
        from wallet.hold_events e
        where e.hold_id = h.id
        window by_id as (order by e.id)
      ) e
      left join wallet.transactions t on t.id = e.transaction_id
    ) e
  ) s
  where h.captured is distinct from s.captured or h.status is distinct from s.status or s.has_faults or s.is_altered
  union all
  select 'hold', e.wallet_id, null, e.transaction_id, format('event %s is of hold %s, which does not exist', e.id, e.hold_id)
  from wallet.hold_events e
  where not exists (select from wallet.holds h where h.id = e.hold_id)
  union all
  select 'capture', t.wallet_id, t.seq, t.id, format('a capture %s', case c.events when 0 then 'without a hold' else 'of ' || c.events || ' events' end)
  from wallet.transactions t
  cross join lateral (select count(*) as events from wallet.hold_events e where e.transaction_id = t.id) c
  where t.type = 'capture' and c.events <> 1
$$;

comment on function wallet.judge_holds() is 'Holds that are not what their events make of them, and captures without an event, see wallet_verify().';
