-- Every `limit 1` is for the planner, as in wallet.described_entries().
create or replace function wallet.transaction_events(
  p_ids bigint[],
  p_types text[],
  p_sides uuid[]
)
returns table (place bigint, created_at timestamptz, data json)
language sql
stable
as $$
  select i.place, coalesce(m.recorded_at, t.created_at), json_build_object(
    'id', t.id,
    'txn_id', t.txn_id,
    'wallet_id', m.wallet_id,
    'type', t.type,
    'amount', m.amount,
    'balance', m.balance_after,
    'asset', w.asset,
    'scale', w.scale,
    'reference', d.reference,
    'metadata', d.metadata,
    'counterparty_wallet_id', case when t.counterparty_id = m.wallet_id then t.wallet_id else t.counterparty_id end,
    'original_txn_id', case t.type
      when 'refund' then (
        select (select x.txn_id from wallet.transactions x where x.id = r.original_id)
        from wallet.refunds r
        where r.transaction_id = t.id
      )
      when 'returned' then (
        select (select x.txn_id from wallet.transactions x where x.id = r.transaction_id)
        from wallet.outbox r
        where r.returned_id = t.id
      )
    end,
    'hold_txn_id', case when t.type = 'capture' then (
      select (select x.txn_id from wallet.holds x where x.id = e.hold_id)
      from wallet.hold_events e
      where e.transaction_id = t.id
    ) end,
    'effective_at', wallet.moment(d.effective_at),
    'created_at', wallet.moment(coalesce(m.recorded_at, t.created_at)),
    'receipt', encode(m.hash, 'hex'),
    'entries', (
      select json_agg(e.entry order by e.place)
      from (
        select 1 as place, json_build_object(
          'wallet_id', l.wallet_id, 'seq', l.seq, 'amount', l.amount, 'balance', l.balance_after, 'purpose', null
        ) as entry
        from wallet.ledger l
        where l.wallet_id = t.wallet_id and l.seq = t.seq and (i.side is null or i.side = t.wallet_id)
        union all
        select 2, json_build_object(
          'wallet_id', l.wallet_id, 'seq', l.seq, 'amount', l.amount, 'balance', l.balance_after,
          'purpose', case when o.id is distinct from t.counterparty_id then t.type end
        )
        from wallet.ledger l
        where l.wallet_id = o.id and l.seq = o.seq and (i.side is null or i.side = o.id)
      ) e
    )
  )
  from unnest(p_ids, p_types, p_sides) with ordinality as i (id, type, side, place)
  cross join lateral (select * from wallet.transactions x where x.id = i.id limit 1) t
  cross join lateral (
    select x.asset, (select a.scale from wallet.assets a where a.code = x.asset) as scale
    from wallet.wallets x
    where x.id = t.wallet_id
    limit 1
  ) w
  cross join lateral (
    select x.id, case
      when x.id is distinct from t.counterparty_id then t.id
      when i.side is distinct from t.wallet_id then wallet.entry_of(t.counterparty_id, t.id)
    end as seq
    from (select wallet.other_wallet_id(t.type::text, t.counterparty_id, w.asset) as id) x
  ) o
  cross join lateral (
    select *
    from wallet.ledger x
    where x.wallet_id = coalesce(i.side, t.wallet_id) and x.transaction_id = t.id
      and x.seq = case when i.side <> t.wallet_id then o.seq else t.seq end
    limit 1
  ) m
  left join lateral (
    select *
    from wallet.transaction_details x
    where x.transaction_id = t.id
    limit 1
  ) d on true
  where i.type like 'transaction.%'
$$;

comment on function wallet.transaction_events(bigint[], text[], uuid[]) is
$$ The data of transactions' events: the entry of its wallet as history shows it, and entries: both, or that of the side
alone, then as this wallet's history shows it. Amounts are signed, in minor units of asset; balance is the one after it,
null in a system wallet, of which purpose tells what it collects. $$;
