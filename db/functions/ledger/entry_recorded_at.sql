-- A table of one row, so that it becomes part of the statement that asks: a search asks many times. `limit 1` is for
-- the planner: it keeps a plan that was made for small tables from reading a whole wallet.
create or replace function wallet.entry_recorded_at(
  p_wallet_id uuid,
  p_seq bigint
)
returns table (recorded_at timestamptz)
language sql
stable
as $$
  select coalesce(l.recorded_at, (select t.created_at from wallet.transactions t where t.id = l.transaction_id))
  from wallet.ledger l
  where l.wallet_id = p_wallet_id and l.seq = p_seq
  limit 1
$$;

comment on function wallet.entry_recorded_at(uuid, bigint) is 'When entry p_seq of a user wallet was recorded.';
