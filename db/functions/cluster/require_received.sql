create or replace function wallet.require_received(
  p_origin_ids bigint[],
  p_from_wallet_ids uuid[],
  p_to_wallet_ids uuid[],
  p_amounts bigint[],
  p_assets text[],
  p_references text[],
  p_metadata jsonb[],
  p_effective_at timestamptz[]
)
returns void
language plpgsql
stable
as $$
declare
  v_items constant integer := cardinality(p_origin_ids);
  v_dimensions constant text := format('[1:%s]', v_items);
  v_number constant integer := (select s.number from wallet.shard s);
  v_numbers constant integer[] := array(select distinct unnest(h.numbers)::integer from wallet.homes h);
  v_fault jsonb;
begin
  if v_items is null or v_items > 1000 or (
    array_dims(p_origin_ids) = v_dimensions and array_dims(p_from_wallet_ids) = v_dimensions
    and array_dims(p_to_wallet_ids) = v_dimensions and array_dims(p_amounts) = v_dimensions
    and array_dims(p_assets) = v_dimensions and coalesce(array_dims(p_references), v_dimensions) = v_dimensions
    and coalesce(array_dims(p_metadata), v_dimensions) = v_dimensions
    and coalesce(array_dims(p_effective_at), v_dimensions) = v_dimensions
  ) is not true then
    perform wallet.raise_error('WA002', jsonb_build_object(
      'field', 'origin_ids', 'reason', 'and the others must be arrays of the same 1 to 1000 elements, counted from 1'
    ));
  end if;

  select case
    when (
      i.origin_id >> 40 = wallet.number_of(i.from_wallet_id) and i.origin_id >> 40 <> v_number
      and (i.origin_id >> 40)::integer = any (v_numbers)
    ) is not true
      then jsonb_build_object('field', 'origin_ids', 'reason', 'must be transactions of the sender''s database, which homes names')
    when (wallet.number_of(i.to_wallet_id) = v_number) is not true
      then jsonb_build_object('field', 'to_wallet_ids', 'reason', 'must be wallets of this database')
    when i.asset is null then jsonb_build_object('field', 'assets', 'reason', 'must not be null')
    when i.effective_at not between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'
      then jsonb_build_object('field', 'effective_at', 'reason', 'must be moments of the years 1 to 9999')
    else wallet.request_fault(i.to_wallet_id, i.from_wallet_id, i.amount, i.reference, i.metadata, i.from_wallet_id)
  end || jsonb_build_object('ordinal', i.place)
  into v_fault
  from unnest(
    p_origin_ids, p_from_wallet_ids, p_to_wallet_ids, p_amounts, p_assets, p_references, p_metadata, p_effective_at
  ) with ordinality as i (
    origin_id, from_wallet_id, to_wallet_id, amount, asset, reference, metadata, effective_at, place
  )
  where (
    i.origin_id >> 40 = wallet.number_of(i.from_wallet_id) and i.origin_id >> 40 <> v_number
    and (i.origin_id >> 40)::integer = any (v_numbers) and wallet.number_of(i.to_wallet_id) = v_number
    and i.asset is not null
    and coalesce(i.effective_at between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00', true)
    and wallet.request_fault(
      i.to_wallet_id, i.from_wallet_id, i.amount, i.reference, i.metadata, i.from_wallet_id
    ) is null
  ) is not true
  limit 1;
  if v_fault is not null then
    perform wallet.raise_error('WA002', v_fault);
  end if;
end;
$$;

comment on function wallet.require_received(
  bigint[], uuid[], uuid[], bigint[], text[], text[], jsonb[], timestamptz[]
) is
  'Raises WA002 unless these can be transfers from other databases of the cluster to wallets of this one: the first that cannot is named by ordinal.';
