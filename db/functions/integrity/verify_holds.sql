-- Replays answer with what was available then: the balance, less what the events before the transaction left in
-- holds, less a floor that was set at some time. Events and transactions share one order, so those of a wallet are
-- read together, and one wallet's events are sorted at a time. Wallets whose holds contradict their events are left
-- out.
create or replace function wallet.verify_holds()
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language plpgsql
stable
as $$
#variable_conflict use_column
declare
  c_most constant bigint := wallet.max_amount();
  v_from constant bigint := (select i.hold_events_from from wallet.installation i);
  v_unsound uuid[] := '{}';
  v_wallet record;
  v_row record;
  v_step record;
  v_steps refcursor;
  v_held numeric;
begin
  for v_row in select * from wallet.judge_holds() loop
    v_unsound := v_unsound || v_row.wallet_id;
    return query select v_row.violation, v_row.wallet_id, v_row.seq, v_row.transaction_id, v_row.detail;
  end loop;

  for v_wallet in
    select w.id, array_remove(f.floors, null) || 0::numeric as floors
    from wallet.wallets w
    cross join lateral (
      select array_agg(distinct (a.detail ->> 'floor')::numeric) as floors
      from wallet.operator_actions a
      where a.wallet_id = w.id and a.action = 'limits'
    ) f
    where w.kind = 'user' and w.id <> all (v_unsound)
      and (f.floors is not null or exists (select from wallet.holds h where h.wallet_id = w.id))
  loop
    v_held := 0;
    open v_steps for
      select *
      from (
        -- a capture counts from its transaction on, which comes before its event
        select coalesce(e.transaction_id, e.id) as place, case
          when e.event = 'hold' then e.amount
          when e.event = 'capture' and e.final then (
            select coalesce(sum(c.amount), 0) - h.amount
            from wallet.hold_events c
            where c.hold_id = e.hold_id and c.event = 'capture' and c.id < e.id
          )
          else -e.amount
        end as step
        from wallet.hold_events e
        join wallet.holds h on h.id = e.hold_id
        where e.wallet_id = v_wallet.id
      ) s
      order by s.place;
    fetch v_steps into v_step;
    for v_row in
      select l.seq, t.id, t.created_at, l.balance_after, a.available
      from wallet.ledger l
      -- by its key, not by the wallet's: the order of seq needs no sort
      cross join lateral (
        select t.id, t.wallet_id, t.created_at from wallet.transactions t where t.id = l.transaction_id offset 0
      ) t
      left join wallet.transaction_available a on a.transaction_id = t.id
      where l.wallet_id = v_wallet.id and t.wallet_id = v_wallet.id and t.id >= v_from
      order by l.seq
    loop
      while v_step.place <= v_row.id loop
        v_held := v_held + v_step.step;
        fetch v_steps into v_step;
      end loop;
      continue when v_row.available is distinct from v_row.balance_after
        and exists (
          select from unnest(v_wallet.floors) f (floor)
          where least(v_row.balance_after - v_held - f.floor, c_most) = coalesce(v_row.available, v_row.balance_after)
        );
      -- functions of before the events had an order took a due hold for ended, and wrote no event
      continue when v_row.available is distinct from v_row.balance_after
        and exists (
          select
          from unnest(v_wallet.floors) f (floor)
          cross join (
            select coalesce(sum(h.amount - (
              select coalesce(sum(c.amount), 0)
              from wallet.hold_events c
              where c.hold_id = h.id and c.event = 'capture' and c.transaction_id <= v_row.id
            )), 0) as held
            from wallet.holds h
            where h.wallet_id = v_wallet.id and h.expires_at > v_row.created_at
              and exists (select from wallet.hold_events e where e.hold_id = h.id and e.event = 'hold' and e.id < v_row.id)
              and not exists (
                select from wallet.hold_events e
                where e.hold_id = h.id and coalesce(e.transaction_id, e.id) <= v_row.id
                  and (e.event in ('void', 'expired') or e.event = 'capture' and e.final)
              )
          ) d
          where least(v_row.balance_after - d.held - f.floor, c_most) = coalesce(v_row.available, v_row.balance_after)
        );
      return query
      select 'available', v_wallet.id, v_row.seq, v_row.id, format(
        'available %s where the balance is %s and holds set %s aside',
        coalesce(v_row.available::text, 'as the balance'), v_row.balance_after, v_held
      );
    end loop;
    close v_steps;
  end loop;

  return query
  select 'available', t.wallet_id, t.seq, a.transaction_id, format('available %s in a wallet that never had holds or a floor', a.available)
  from wallet.transaction_available a
  left join wallet.transactions t on t.id = a.transaction_id
  where a.transaction_id >= v_from and not exists (select from wallet.holds h where h.wallet_id = t.wallet_id)
    and not exists (select from wallet.operator_actions o where o.wallet_id = t.wallet_id and o.action = 'limits');
end;
$$;

comment on function wallet.verify_holds() is
  'Holds and what was available because of them: hold, capture and available of wallet_verify().';
