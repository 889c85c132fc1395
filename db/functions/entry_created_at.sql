create or replace function wallet.entry_created_at(
  p_wallet_id uuid,
  p_seq bigint
)
returns timestamptz
language sql
stable
as $$
  select t.created_at
  from wallet.ledger l
  join wallet.transactions t on t.id = l.transaction_id
  where l.wallet_id = p_wallet_id and l.seq = p_seq
$$;

comment on function wallet.entry_created_at(uuid, bigint) is 'When entry p_seq of a user wallet was recorded.';
