create or replace function wallet.is_row_lock(
  p_lock pg_locks
)
returns boolean
language sql
stable
as $$
  select p_lock.locktype = 'relation' and p_lock.relation = 'wallet.wallets'::regclass and p_lock.granted
    and p_lock.mode in ('RowShareLock', 'RowExclusiveLock') and p_lock.pid is distinct from pg_backend_pid()
    and p_lock.database = (select d.oid from pg_database d where d.datname = current_database())
$$;

comment on function wallet.is_row_lock(pg_locks) is 'True for the lock of another session that has locked or made wallets; of a prepared transaction too.';
