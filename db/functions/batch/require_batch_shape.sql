-- The cap also keeps sums of amounts within bigint.
create or replace function wallet.require_batch_shape(
  p_types text[],
  p_wallet_ids uuid[],
  p_txn_ids uuid[],
  p_amounts bigint[],
  p_references text[],
  p_metadata jsonb[],
  p_actors uuid[],
  p_to_wallet_ids uuid[],
  p_original_txn_ids uuid[],
  p_finals boolean[],
  p_expires_in integer[],
  p_effective_at timestamptz[],
  p_to_usernames text[],
  p_key_ids uuid[]
)
returns void
language plpgsql
immutable
as $$
declare
  v_items constant integer := cardinality(p_types);
  -- elements are read by their place in the batch, so every array must count from 1
  v_dimensions constant text := format('[1:%s]', v_items);
  v_field text;
begin
  v_field := case
    when v_items is null or array_dims(p_types) <> v_dimensions then 'types'
    when cardinality(p_wallet_ids) is distinct from v_items or array_dims(p_wallet_ids) <> v_dimensions then 'wallet_ids'
    when cardinality(p_txn_ids) is distinct from v_items or array_dims(p_txn_ids) <> v_dimensions then 'txn_ids'
    when cardinality(p_amounts) is distinct from v_items or array_dims(p_amounts) <> v_dimensions then 'amounts'
    when cardinality(p_references) <> v_items or array_dims(p_references) <> v_dimensions then 'references'
    when cardinality(p_metadata) <> v_items or array_dims(p_metadata) <> v_dimensions then 'metadata'
    when cardinality(p_actors) <> v_items or array_dims(p_actors) <> v_dimensions then 'actors'
    when cardinality(p_to_wallet_ids) <> v_items or array_dims(p_to_wallet_ids) <> v_dimensions then 'to_wallet_ids'
    when cardinality(p_original_txn_ids) <> v_items or array_dims(p_original_txn_ids) <> v_dimensions then 'original_txn_ids'
    when cardinality(p_finals) <> v_items or array_dims(p_finals) <> v_dimensions then 'finals'
    when cardinality(p_expires_in) <> v_items or array_dims(p_expires_in) <> v_dimensions then 'expires_in'
    when cardinality(p_effective_at) <> v_items or array_dims(p_effective_at) <> v_dimensions then 'effective_at'
    when cardinality(p_to_usernames) <> v_items or array_dims(p_to_usernames) <> v_dimensions then 'to_usernames'
    when cardinality(p_key_ids) <> v_items or array_dims(p_key_ids) <> v_dimensions then 'key_ids'
  end;
  if v_field is not null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', v_field, 'reason', 'must be an array with an element for each request, counted from 1'));
  elsif v_items > 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'types', 'reason', 'must have at most 1000 elements', 'elements', v_items));
  end if;
end;
$$;

comment on function wallet.require_batch_shape(
  text[], uuid[], uuid[], bigint[], text[], jsonb[], uuid[], uuid[], uuid[], boolean[], integer[], timestamptz[],
  text[], uuid[]
) is
  'Raises WA002 unless the arrays have the same number of elements (optional ones may be null) and at most 1,000.';
