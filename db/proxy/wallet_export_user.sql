declare
  v_homes constant smallint[] := case
    -- the name that an erasure gave is made where the user lived
    when p_username like 'erased-%' then wallet_proxy.numbers()
    else array(select wallet_proxy.homes_of(p_username))
  end;
begin
  for v_place in 1 .. cardinality(v_homes) loop
    v_number := v_homes[v_place];
    begin
      return query select * from wallet_proxy.wallet_export_user(wallet_proxy.partition_of(v_number), p_username);
      return;
    exception when sqlstate 'WA029' then
      if v_place = cardinality(v_homes) then
        raise;
      end if;
    end;
  end loop;
end;
