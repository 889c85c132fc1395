-- A capture is one event: its hold's row has the transaction's id, or an own one where it is older than events are. It
-- is examined like the others, and has no type: a run of captures must not make a page read on and on.
create or replace function wallet.event_refs(
  p_after bigint,
  p_up_to bigint,
  p_limit integer
)
returns table (id bigint, type text, wallet_id uuid, counterparty_wallet_id uuid)
language sql
stable
as $$
  (
    select t.id, 'transaction.' || t.type, t.wallet_id, t.counterparty_id
    from wallet.transactions t
    where t.id > p_after and t.id <= p_up_to
    order by t.id
    limit p_limit
  )
  union all
  (
    select h.id, wallet.hold_event_type(h.event), h.wallet_id, null
    from wallet.hold_events h
    where h.id > greatest(p_after, 0) and h.id <= p_up_to
    order by h.id
    limit p_limit
  )
  union all
  (
    select a.id, a.type, a.wallet_id, null
    from wallet.account_events a
    where a.id > p_after and a.id <= p_up_to
    order by a.id
    limit p_limit
  )
  order by 1, 2
  limit p_limit
$$;

comment on function wallet.event_refs(bigint, bigint, integer) is
  'The next p_limit rows after p_after that have an event''s id, in order: type null for the hold''s row of a capture, wallet_id null for a user''s event.';
