begin
  for v_number in select wallet_proxy.homes_of(p_username) loop
    return query select * from wallet_proxy.wallet_locate(wallet_proxy.partition_of(v_number), p_username, p_asset);
    if found then
      return;
    end if;
  end loop;
end;
