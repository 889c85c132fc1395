create or replace function wallet.hold_events(
  p_ids bigint[],
  p_types text[]
)
returns table (place bigint, created_at timestamptz, data json)
language sql
stable
as $$
  select i.place, e.created_at, json_build_object(
    'id', h.id,
    'txn_id', h.txn_id,
    'wallet_id', h.wallet_id,
    'event', e.event,
    'event_txn_id', e.txn_id,
    'amount', e.amount,
    'balance', e.balance_after,
    'available', e.available_after,
    'asset', w.asset,
    'scale', (select a.scale from wallet.assets a where a.code = w.asset),
    'reference', h.reference,
    'metadata', h.metadata,
    'expires_at', wallet.moment(h.expires_at),
    'created_at', wallet.moment(e.created_at)
  )
  from unnest(p_ids, p_types) with ordinality as i (id, type, place)
  cross join lateral (select * from wallet.hold_events x where x.id = i.id limit 1) e
  cross join lateral (select * from wallet.holds x where x.id = e.hold_id limit 1) h
  cross join lateral (select x.asset from wallet.wallets x where x.id = e.wallet_id limit 1) w
  where i.type like 'hold.%'
$$;

comment on function wallet.hold_events(bigint[], text[]) is
$$ The data of holds' events: id and txn_id of the hold; event_txn_id of the request that did it, null for expired.
amount is what was set aside (hold) or released (void, expired), in minor units of asset; balance and available are what
the wallet had right after it, null for expired, which no request asked for. $$;
