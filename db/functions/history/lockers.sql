-- The id in a row has 32 bits, so it is extended to the nearest id within 2^31 of the newest one that this snapshot
-- knows. For all wallets, pg_locks tells who has locked or made any, because a wallet that is not committed yet has
-- no visible row. A standby has no such locks; it looks at the rows.
create or replace function wallet.lockers(
  p_wallet_ids uuid[]
)
returns xid8[]
language sql
volatile
as $$
  select coalesce(array_agg(distinct i.id::text::xid8), '{}')
  from (
    select w.xmax
    from wallet.wallets w
    where w.id = any (p_wallet_ids)
    union all
    select w.xmax
    from wallet.wallets w
    where p_wallet_ids is null and pg_is_in_recovery()
    union all
    select x.transactionid
    from pg_locks l
    join pg_locks x on x.virtualtransaction = l.virtualtransaction
      and x.locktype = 'transactionid' and x.mode = 'ExclusiveLock'
    where p_wallet_ids is null and not pg_is_in_recovery() and wallet.is_row_lock(l)
  ) as x (xid)
  cross join (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) as s (newest)
  cross join lateral (
    select s.newest + ((x.xid::text::bigint - s.newest + 2147483648) & 4294967295) - 2147483648
  ) as i (id)
  where x.xid <> '0'::xid and i.id between 3 and s.newest + 1000000
$$;

comment on function wallet.lockers(uuid[]) is
  'The transactions that locked one of these wallets last, finished or not; null: all that have locked or made any wallet now.';
