create or replace function wallet.transaction_event(
  p_id bigint,
  p_side uuid default null
)
returns json
language sql
stable
as $$
  select json_build_object(
    'id', t.id,
    'txn_id', t.txn_id,
    'wallet_id', m.wallet_id,
    'type', t.type,
    'amount', m.amount,
    'balance', m.balance_after,
    'asset', w.asset,
    'scale', (select a.scale from wallet.assets a where a.code = w.asset),
    'reference', d.reference,
    'metadata', d.metadata,
    'counterparty_wallet_id', case when t.counterparty_id = m.wallet_id then t.wallet_id else t.counterparty_id end,
    'original_txn_id', (
      select o.txn_id
      from wallet.refunds r
      cross join lateral (select x.txn_id from wallet.transactions x where x.id = r.original_id limit 1) o
      where r.transaction_id = t.id
    ),
    'hold_txn_id', case when t.type = 'capture' then (
      select (select x.txn_id from wallet.holds x where x.id = e.hold_id)
      from wallet.hold_events e
      where e.transaction_id = t.id
      limit 1
    ) end,
    'effective_at', wallet.moment(d.effective_at),
    'created_at', wallet.moment(coalesce(m.recorded_at, t.created_at)),
    'receipt', encode(m.hash, 'hex'),
    'entries', s.entries
  )
  from wallet.transactions t
  cross join lateral (select * from wallet.wallets x where x.id = t.wallet_id limit 1) w
  cross join lateral (
    select coalesce(t.counterparty_id, wallet.system_wallet_id(w.asset, t.type::text)) as id, case
      when t.counterparty_id is null then t.id
      when p_side is distinct from t.wallet_id then wallet.entry_of(t.counterparty_id, t.id)
    end as seq
  ) o
  cross join lateral (
    select *
    from wallet.ledger x
    where x.wallet_id = coalesce(p_side, t.wallet_id) and x.transaction_id = t.id
      and x.seq = case when p_side <> t.wallet_id then o.seq else t.seq end
    limit 1
  ) m
  cross join lateral (
    select json_agg(
      json_build_object(
        'wallet_id', l.wallet_id, 'seq', l.seq, 'amount', l.amount, 'balance', l.balance_after,
        'purpose', case when l.wallet_id <> t.wallet_id and t.counterparty_id is null then t.type end
      )
      order by l.wallet_id <> t.wallet_id
    ) as entries
    from (
      select x.* from wallet.ledger x where x.wallet_id = t.wallet_id and x.seq = t.seq
      union all
      select x.* from wallet.ledger x where x.wallet_id = o.id and x.seq = o.seq
    ) l
    where l.transaction_id = t.id and (p_side is null or l.wallet_id = p_side)
  ) s
  left join lateral (select * from wallet.transaction_details x where x.transaction_id = t.id limit 1) d on true
  where t.id = p_id
$$;

comment on function wallet.transaction_event(bigint, uuid) is
$$ The data of a transaction's event: the entry of its wallet as history shows it, and entries: both, or that of p_side
alone, then as this wallet's history shows it. Amounts are signed, in minor units of asset; balance is the one after it,
null in a system wallet, of which purpose tells what it collects. $$;
