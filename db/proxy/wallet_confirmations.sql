begin
  perform wallet_proxy.require_newest_page(p_before_id);
  return query
  select *
  from wallet_proxy.all_wallet_confirmations(p_status, p_limit, null, p_actor) c
  order by c.created_at desc, c.id desc
  limit p_limit;
end;
