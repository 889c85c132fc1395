declare
  v_homes constant smallint[] := array(select wallet_proxy.homes_of(p_username));
begin
  -- a name of an older generation is taken, though its home is elsewhere now
  for v_place in reverse cardinality(v_homes) .. 2 loop
    v_number := v_homes[v_place];
    perform wallet_proxy.wallet_require_username(wallet_proxy.partition_of(v_number), p_username);
  end loop;
  v_number := v_homes[1];
  return query select * from wallet_proxy.wallet_register(wallet_proxy.partition_of(v_number), p_username, p_password_hash);
end;
