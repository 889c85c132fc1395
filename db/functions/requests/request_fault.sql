-- One rule for single calls and batches. Not inlined: setting up its expressions would cost every call, and what is
-- asked for most passes cheaper tests first.
create or replace function wallet.request_fault(
  p_wallet_id uuid,
  p_txn_id uuid,
  p_amount bigint,
  p_reference text,
  p_metadata jsonb,
  p_actor uuid
)
returns jsonb
language plpgsql
stable
as $$
begin
  return case
    when p_wallet_id is null then jsonb_build_object('field', 'wallet_id', 'reason', 'must not be null')
    when p_txn_id is null then jsonb_build_object('field', 'txn_id', 'reason', 'must not be null')
    when p_amount is null then jsonb_build_object('field', 'amount', 'reason', 'must not be null')
    when p_amount not between 1 and wallet.max_amount()
      then jsonb_build_object('field', 'amount', 'reason', 'must be between 1 and 9007199254740991 minor units', 'amount', p_amount)
    when p_reference is not null and length(p_reference) not between 1 and 256
      then jsonb_build_object('field', 'reference', 'reason', 'must have 1 to 256 characters', 'length', length(p_reference))
    when p_metadata is not null and jsonb_typeof(p_metadata) <> 'object'
      then jsonb_build_object('field', 'metadata', 'reason', 'must be an object')
    when p_metadata is not null and octet_length(p_metadata::text) > 4096
      then jsonb_build_object('field', 'metadata', 'reason', 'must have at most 4096 bytes', 'bytes', octet_length(p_metadata::text))
    when p_actor is null and not wallet.is_trusted()
      then jsonb_build_object('field', 'actor', 'reason', 'must not be null unless an administrator calls')
    when not wallet.is_believed() and wallet.is_barred(p_actor)
      then jsonb_build_object('field', 'actor', 'reason', 'must not be an operator but from a login of that operator')
  end;
end;
$$;

comment on function wallet.request_fault(uuid, uuid, bigint, text, jsonb, uuid) is
  'What makes the request invalid: {"field", "reason", …} for WA002, or null when nothing does.';
