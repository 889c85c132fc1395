create or replace function wallet.is_settled(
  p_fence xid8
)
returns boolean
language sql
volatile
as $$
  select pg_snapshot_xmin(pg_current_snapshot()) > p_fence
$$;

comment on function wallet.is_settled(xid8) is 'True when this transaction and all that are older are finished, for what this snapshot sees.';
