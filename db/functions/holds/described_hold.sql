create or replace function wallet.described_hold(
  p_hold_id bigint,
  p_at timestamptz,
  p_with_keys boolean
)
returns table (
  id bigint, wallet_id uuid, user_id uuid, username text, asset text, scale smallint, txn_id uuid, status text,
  amount bigint, captured bigint, remaining bigint, reference text, metadata jsonb, events jsonb,
  expires_at timestamptz, created_at timestamptz, key jsonb
)
language sql
stable
as $$
  select h.id, h.wallet_id, w.owner_id, (select u.username from wallet.users u where u.id = w.owner_id), w.asset,
    (select a.scale from wallet.assets a where a.code = w.asset), h.txn_id, s.status, h.amount, h.captured,
    case s.status when 'open' then h.amount - h.captured else 0 end, h.reference, h.metadata,
    (
      select jsonb_agg(
        jsonb_build_object(
          'event', e.event, 'txn_id', e.txn_id, 'amount', e.amount, 'transaction_id', e.transaction_id,
          'balance', e.balance_after, 'available', e.available_after, 'created_at', e.created_at
        ) || case when p_with_keys then jsonb_build_object('key', wallet.key_of(e.id)) else '{}' end
        order by e.id desc
      )
      from (
        select v.*
        from wallet.hold_events v
        where v.hold_id = p_hold_id
        order by v.id desc
        limit 100
      ) e
    ),
    h.expires_at, h.created_at,
    (
      select wallet.key_of(v.id)
      from (select x.id from wallet.hold_events x where x.hold_id = p_hold_id order by x.id limit 1) v
      where p_with_keys
    )
  from wallet.holds h
  cross join lateral (select * from wallet.wallets l where l.id = h.wallet_id limit 1) w
  cross join lateral (
    select case when h.status = 'open' and h.expires_at <= p_at then 'expired' else h.status end
  ) as s (status)
  where h.id = p_hold_id
$$;

comment on function wallet.described_hold(bigint, timestamptz, boolean) is
  'A hold with all that operators see of it at p_at, the clock; events are the newest 100 of what happened to it, newest first. Keys of machines are theirs to see alone: p_with_keys.';
