begin
  return query
  select u.id, u.username, u.role, u.created_at, u.last_sign_in_at, u.erased_at,
    u.is_last and lead(u.id) over (order by u.id desc) is null
  from wallet_proxy.all_wallet_users(p_limit, p_before_id, p_actor) u
  order by u.id desc
  limit p_limit;
end;
