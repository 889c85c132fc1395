declare
  v_username text;
begin
  for v_number in select wallet_proxy.homes_of(p_username) loop
    v_username := wallet_proxy.wallet_require_username(wallet_proxy.partition_of(v_number), p_username);
  end loop;
  return v_username;
end;
