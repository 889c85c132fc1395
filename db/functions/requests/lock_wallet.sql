-- The lock is a statement of its own: under READ COMMITTED the statements after it see all that earlier holders of
-- the lock have committed. One statement then reads all that decides, because its set-up costs more than its rows.
create or replace function wallet.lock_wallet(
  p_wallet_id uuid,
  p_txn_id uuid,
  p_actor uuid
)
returns wallet.locked_wallet
language plpgsql
volatile
as $$
declare
  v_wallet wallet.locked_wallet;
begin
  select a.code, a.scale, w.status, w.floor, w.max_balance, w.has_holds, w.has_limits, w.is_erased
  into v_wallet.asset, v_wallet.scale, v_wallet.status, v_wallet.floor, v_wallet.max_balance,
    v_wallet.has_holds, v_wallet.has_limits, v_wallet.is_erased
  from wallet.wallets w
  join wallet.assets a on a.code = w.asset
  where w.id = p_wallet_id and wallet.is_visible(w, p_actor)
  for update of w;
  if not found then
    return null;
  end if;

  select e.id, coalesce(n.seq, 0), coalesce(n.balance_after, 0), clock_timestamp(), n.recorded_at, 0, n.hash
  into v_wallet.earlier_id, v_wallet.seq, v_wallet.balance, v_wallet.created_at, v_wallet.newest_at,
    v_wallet.held, v_wallet.hash
  from (select) as one
  left join wallet.transactions e on e.wallet_id = p_wallet_id and e.txn_id = p_txn_id
  left join lateral wallet.newest_entry(p_wallet_id) n on true;
  if v_wallet.has_holds then
    v_wallet.held := wallet.held(p_wallet_id, v_wallet.created_at);
    select e.event into v_wallet.earlier_event
    from wallet.hold_events e
    where e.wallet_id = p_wallet_id and e.txn_id = p_txn_id;
  end if;
  return v_wallet;
end;
$$;

comment on function wallet.lock_wallet(uuid, uuid, uuid) is
  'Locks a user wallet that the actor may use; returns its state and what is on record for the txn_id, null for an unknown wallet.';
