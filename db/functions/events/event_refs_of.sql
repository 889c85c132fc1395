-- The events of some wallets, by each wallet's own indexes: it costs as much as there is to find.
create or replace function wallet.event_refs_of(
  p_wallet_id uuid,
  p_after bigint,
  p_up_to bigint,
  p_limit integer
)
returns table (id bigint, type text, wallet_id uuid)
language sql
stable
as $$
  (
    select l.transaction_id, 'transaction.' || t.type, p_wallet_id
    from wallet.ledger l
    cross join lateral (select x.type from wallet.transactions x where x.id = l.transaction_id limit 1) t
    where l.wallet_id = p_wallet_id and l.seq >= wallet.entry_of(p_wallet_id, p_after + 1)
      and l.transaction_id > p_after and l.transaction_id <= p_up_to
    order by l.seq
    limit p_limit
  )
  union all
  (
    select h.id, wallet.hold_event_type(h.event), p_wallet_id
    from wallet.hold_events h
    where h.wallet_id = p_wallet_id and h.id > greatest(p_after, 0) and h.id <= p_up_to and h.event <> 'capture'
    order by h.id
    limit p_limit
  )
  union all
  (
    select a.id, a.type, p_wallet_id
    from wallet.account_events a
    where a.wallet_id = p_wallet_id and a.id > p_after and a.id <= p_up_to
    order by a.id
    limit p_limit
  )
  order by 1
  limit p_limit
$$;

comment on function wallet.event_refs_of(uuid, bigint, bigint, integer) is
  'The next p_limit events of one wallet, in order; of a transfer both wallets have it.';
