begin
  return query
  select t.destination, t.asset, sum(t.pending)::bigint, max(t.oldest_seconds), sum(t.amount)
  from wallet_proxy.all_wallet_in_transit() t
  group by t.destination, t.asset
  order by t.destination, t.asset;
end;
