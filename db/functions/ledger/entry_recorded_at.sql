create or replace function wallet.entry_recorded_at(
  p_wallet_id uuid,
  p_seq bigint
)
returns timestamptz
language sql
stable
as $$
  select coalesce(l.recorded_at, t.created_at)
  from wallet.ledger l
  join wallet.transactions t on t.id = l.transaction_id
  where l.wallet_id = p_wallet_id and l.seq = p_seq
$$;

comment on function wallet.entry_recorded_at(uuid, bigint) is 'When entry p_seq of a user wallet was recorded.';
