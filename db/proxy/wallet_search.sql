begin
  -- what was named exactly comes first in each
  return query
  select s.kind, s.user_id, s.username, s.role, s.wallet_id, s.asset, s.scale, s.status, s.balance, s.id, s.txn_id,
    s.type, s.amount, s.reference, s.created_at, s.erased_at
  from wallet_proxy.all_ranked_search(p_query, p_actor) s
  order by s.rank, s.created_at desc
  limit 50;
end;
