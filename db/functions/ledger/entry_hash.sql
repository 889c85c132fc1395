-- One expression, so that it is inlined where it is called. ADR-005 says what the bytes are.
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
  p_details_hash bytea,
  p_recorded_at timestamptz default null
)
returns bytea
language sql
stable
as $$
  select sha256(
    coalesce(p_previous, '\x0000000000000000000000000000000000000000000000000000000000000000')
    || uuid_send(p_wallet_id) || int8send(p_seq) || int8send(p_transaction_id) || int8send(p_amount)
    || int8send(p_balance_after)
    || uuid_send(p_txn_id) || timestamptz_send(p_created_at) || textsend(p_type)
    || coalesce(uuid_send(p_other_wallet_id), '') || coalesce(p_details_hash, '')
    || coalesce(timestamptz_send(p_recorded_at), '')
  )
$$;

comment on function wallet.entry_hash(
  bytea, uuid, bigint, bigint, bigint, bigint, uuid, timestamptz, text, uuid, bytea, timestamptz
) is
  'The hash of a user wallet''s entry: over the hash of the entry before (null for the first), the entry, its transaction and, where there are any, the other wallet of a transfer, the hash of the details and the entry''s own time.';
