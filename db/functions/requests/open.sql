-- The first half of every mutation. The lock is a statement of its own: under READ COMMITTED the statements after it see
-- all that earlier holders of the lock have committed. What is read to decide is one statement: its cost is its set-up.
create or replace function wallet.open(
  p_wallet_id uuid,
  p_txn_id uuid,
  p_actor uuid
)
returns wallet.opening
language plpgsql
volatile
as $$
declare
  v_opening wallet.opening;
begin
  select a.code, a.scale, w.status, w.floor, w.max_balance, w.has_holds, w.has_limits, w.is_erased
  into v_opening.asset, v_opening.scale, v_opening.status, v_opening.floor, v_opening.max_balance,
    v_opening.has_holds, v_opening.has_limits, v_opening.is_erased
  from wallet.wallets w
  join wallet.assets a on a.code = w.asset
  where w.id = p_wallet_id and w.kind = 'user' and (p_actor is null or w.owner_id = p_actor)
  for update of w;
  if not found then
    return null;
  end if;

  select e.id, coalesce(n.seq, 0), coalesce(n.balance_after, 0), clock_timestamp(), n.recorded_at, 0, n.hash
  into v_opening.earlier_id, v_opening.seq, v_opening.balance, v_opening.created_at, v_opening.newest_at,
    v_opening.held, v_opening.hash
  from (select) as one
  left join wallet.transactions e on e.wallet_id = p_wallet_id and e.txn_id = p_txn_id
  left join lateral wallet.newest_entry(p_wallet_id) n on true;
  if v_opening.has_holds then
    v_opening.held := wallet.held(p_wallet_id, v_opening.created_at);
    select e.event into v_opening.earlier_event
    from wallet.hold_events e
    where e.wallet_id = p_wallet_id and e.txn_id = p_txn_id;
  end if;
  return v_opening;
end;
$$;

comment on function wallet.open(uuid, uuid, uuid) is
  'Locks a user wallet that the actor may use and returns its state and what is on record for the txn_id; null for an unknown wallet.';
