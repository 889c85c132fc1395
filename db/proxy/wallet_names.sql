begin
  return query select n.wallet_id, n.username from wallet_proxy.all_wallet_names(p_wallet_ids) n order by n.wallet_id;
end;
