-- What was judged under the lock goes on record, so that a hold that a mutation took for expired never opens again,
-- whatever the clock says later. A wallet has at most 100 open holds, so this writes at most 100 rows.
create or replace function wallet.end_due_holds(
  p_wallet_id uuid,
  p_at timestamptz
)
returns bigint
language sql
volatile
as $$
  with ended as (
    update wallet.holds h
    set status = 'expired'
    where h.wallet_id = p_wallet_id and h.status = 'open' and h.expires_at <= p_at
    returning h.id, h.amount - h.captured as released
  ),
  recorded as (
    insert into wallet.hold_events (hold_id, wallet_id, event, amount, created_at)
    select e.id, p_wallet_id, 'expired', e.released, p_at
    from ended e
    returning 1
  )
  select count(*) from recorded
$$;

comment on function wallet.end_due_holds(uuid, timestamptz) is
  'Ends the holds of a locked wallet that are due at p_at, the clock under the lock, by an event each; returns how many. Called by every mutation that succeeds.';
