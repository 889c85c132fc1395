create or replace function wallet.hold_event(
  p_id bigint
)
returns json
language sql
stable
as $$
  select json_build_object(
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
  from wallet.hold_events e
  cross join lateral (select * from wallet.holds x where x.id = e.hold_id limit 1) h
  cross join lateral (select x.asset from wallet.wallets x where x.id = e.wallet_id limit 1) w
  where e.id = p_id
$$;

comment on function wallet.hold_event(bigint) is
$$ The data of a hold's event: id and txn_id of the hold; event_txn_id of the request that did it, null for expired.
amount is what was set aside (hold) or released (void, expired), in minor units of asset; balance and available are what
the wallet had right after it, null for expired, which no request asked for. $$;
