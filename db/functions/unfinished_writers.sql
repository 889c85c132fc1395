create or replace function wallet.unfinished_writers()
returns xid[]
language sql
volatile
as $$
  select array_agg(l.transactionid)
  from pg_locks l
  where not pg_is_in_recovery() and l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
    and l.pid <> pg_backend_pid()
  having not pg_is_in_recovery()
$$;

comment on function wallet.unfinished_writers() is
  'The transactions of other sessions that have an id and are not finished, for wallet.is_locked(); no row (null) on a standby, which has no such locks.';
