declare
  v_items constant integer := cardinality(p_wallet_ids);
  v_partitions constant integer[] := array(
    select distinct wallet_proxy.partition_of(wallet.number_of(i.id)) from unnest(p_wallet_ids) i (id)
  );
begin
  -- what is refused as a whole is refused by one
  if cardinality(v_partitions) <= 1 or v_items > 1000 or cardinality(p_actors) <> v_items
    or cardinality(p_key_ids) <> v_items
  then
    return query select * from wallet_proxy.wallet_balances(
      coalesce(v_partitions[1], wallet_proxy.partition_of(null)), p_wallet_ids, p_actors, p_key_ids
    );
    return;
  end if;
  return query
  select b.*
  from wallet_proxy.split_balances(
    array(select unnest(p_wallet_ids)),
    wallet_proxy.filled(case when p_actors is not null then array(select unnest(p_actors)) end, v_items),
    wallet_proxy.filled(case when p_key_ids is not null then array(select unnest(p_key_ids)) end, v_items),
    array(select generate_series(1, v_items))
  ) b
  order by b.ordinal;
end;
