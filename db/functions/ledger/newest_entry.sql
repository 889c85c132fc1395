create or replace function wallet.newest_entry(
  p_wallet_id uuid
)
returns table (
  seq bigint, balance_after bigint, recorded_at timestamptz, hash bytea, transaction_id bigint,
  own_recorded_at timestamptz
)
language sql
stable
as $$
  select l.seq, l.balance_after,
    coalesce(l.recorded_at, (select t.created_at from wallet.transactions t where t.id = l.transaction_id)), l.hash,
    l.transaction_id, l.recorded_at
  from wallet.ledger l
  where l.wallet_id = p_wallet_id
  order by l.seq desc
  limit 1
$$;

comment on function wallet.newest_entry(uuid) is
  'The newest entry of a user wallet, one index probe however long its history is; no row for a wallet that has none. own_recorded_at is null where its time is that of its transaction. What is not asked for costs nothing.';
