declare
  v_items constant integer := cardinality(p_types);
  v_dimensions constant text := format('[1:%s]', v_items);
  v_partitions constant integer[] := array(
    select distinct wallet_proxy.partition_of(wallet.number_of(i.id)) from unnest(p_wallet_ids) i (id)
  );
begin
  if exists (
    select
    from unnest(p_wallet_ids, p_to_usernames) i (wallet_id, name)
    where i.name is not null and exists (
      select from wallet_proxy.homes_of(i.name) h (number) where h.number <> wallet.number_of(i.wallet_id)
    )
  ) then
    perform wallet_proxy.refuse(
      'a batch sends to names of the sender''s database only',
      'Give the recipients as p_to_wallet_ids, or send one by one with wallet_transfer.'
    );
  end if;
  -- what is refused as a whole is refused by one
  if cardinality(v_partitions) <= 1 or v_items is null or v_items > 1000
    or num_nulls(p_wallet_ids, p_txn_ids, p_amounts) > 0
    or exists (
      select
      from (
        values (array_dims(p_types), cardinality(p_types)), (array_dims(p_wallet_ids), cardinality(p_wallet_ids)),
          (array_dims(p_txn_ids), cardinality(p_txn_ids)), (array_dims(p_amounts), cardinality(p_amounts)),
          (array_dims(p_references), cardinality(p_references)), (array_dims(p_metadata), cardinality(p_metadata)),
          (array_dims(p_actors), cardinality(p_actors)), (array_dims(p_to_wallet_ids), cardinality(p_to_wallet_ids)),
          (array_dims(p_original_txn_ids), cardinality(p_original_txn_ids)), (array_dims(p_finals), cardinality(p_finals)),
          (array_dims(p_expires_in), cardinality(p_expires_in)), (array_dims(p_effective_at), cardinality(p_effective_at)),
          (array_dims(p_to_usernames), cardinality(p_to_usernames)), (array_dims(p_key_ids), cardinality(p_key_ids))
      ) a (dimensions, items)
      where a.items <> v_items or a.dimensions <> v_dimensions
    )
  then
    return query select * from wallet_proxy.wallet_batch(
      coalesce(v_partitions[1], wallet_proxy.partition_of(null)), p_types, p_wallet_ids, p_txn_ids, p_amounts, p_references,
      p_metadata, p_actors, p_skip_locked, p_to_wallet_ids, p_original_txn_ids, p_finals, p_expires_in, p_effective_at,
      p_to_usernames, p_key_ids
    );
    return;
  end if;
  return query
  select b.*
  from wallet_proxy.split_batch(
    p_types, p_wallet_ids, p_txn_ids, p_amounts, wallet_proxy.filled(p_references, v_items),
    wallet_proxy.filled(p_metadata, v_items), wallet_proxy.filled(p_actors, v_items), p_skip_locked,
    wallet_proxy.filled(p_to_wallet_ids, v_items), wallet_proxy.filled(p_original_txn_ids, v_items),
    wallet_proxy.filled(p_finals, v_items), wallet_proxy.filled(p_expires_in, v_items),
    wallet_proxy.filled(p_effective_at, v_items), wallet_proxy.filled(p_to_usernames, v_items),
    wallet_proxy.filled(p_key_ids, v_items),
    array(select generate_series(1, v_items))
  ) b
  order by b.ordinal;
end;
