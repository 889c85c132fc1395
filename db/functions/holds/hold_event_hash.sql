create or replace function wallet.hold_event_hash(
  p_event wallet.hold_events
)
returns bytea
language sql
stable
as $$
  select sha256(
    coalesce(
      (
        select e.hash
        from wallet.hold_events e
        where e.hold_id = p_event.hold_id and e.id < p_event.id
        order by e.id desc
        limit 1
      ),
      (
        select convert_to(jsonb_build_array(
          h.id, h.wallet_id, h.txn_id, h.amount, h.expires_in, encode(timestamptz_send(h.expires_at), 'hex'),
          encode(timestamptz_send(h.created_at), 'hex')
        )::text, 'UTF8')
        from wallet.holds h
        where h.id = p_event.hold_id
      )
    )
    || convert_to(jsonb_build_array(
      p_event.id, p_event.hold_id, p_event.wallet_id, p_event.txn_id, p_event.event, p_event.amount, p_event.final,
      p_event.requested_amount, p_event.transaction_id, p_event.balance_after, p_event.available_after,
      encode(timestamptz_send(p_event.created_at), 'hex')
    )::text, 'UTF8')
  )
$$;

comment on function wallet.hold_event_hash(wallet.hold_events) is
  'The hash of a hold''s event: over the hash of the event before (for the first one: over what never changes of the hold) and the event.';
