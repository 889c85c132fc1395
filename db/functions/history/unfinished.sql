-- After a released savepoint a row can hold a subtransaction's id of our own. It looks unfinished, so nothing counts
-- unless another session holds a lock.
create or replace function wallet.unfinished(
  p_transactions xid8[]
)
returns xid8[]
language sql
volatile
as $$
  select coalesce(array_agg(t.id), '{}')
  from unnest(p_transactions) as t (id)
  where pg_xact_status(t.id) = 'in progress' and t.id is distinct from pg_current_xact_id_if_assigned()
    and (pg_is_in_recovery() or exists (select from pg_locks l where wallet.is_row_lock(l)))
$$;

comment on function wallet.unfinished(xid8[]) is 'Those of these transactions that another session has not finished.';
