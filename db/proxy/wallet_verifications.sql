begin
  perform wallet_proxy.require_newest_page(p_before_id);
  return query
  select *
  from wallet_proxy.all_wallet_verifications(p_limit, null, p_actor) v
  order by v.ended_at desc, v.id desc
  limit p_limit;
end;
