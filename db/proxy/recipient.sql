-- Null leaves a name to the sender's database: it may live there, or nowhere.
create function wallet_proxy.recipient(
  p_wallet_id uuid,
  p_username text,
  p_actor uuid
)
returns uuid
language plpgsql
stable
as $$
declare
  v_own constant smallint := wallet.number_of(p_wallet_id);
  v_number smallint;
  v_asset text;
  v_wallet_id uuid;
begin
  if v_own = all (array(select wallet_proxy.homes_of(p_username))) then
    return null;
  end if;
  select b.asset into v_asset
  from wallet_proxy.wallet_balance(wallet_proxy.partition_of(v_own), p_wallet_id, p_actor, null) b;
  for v_number in select wallet_proxy.homes_of(p_username) loop
    begin
      select l.wallet_id into v_wallet_id
      from wallet_proxy.wallet_locate(wallet_proxy.partition_of(v_number), p_username, v_asset) l;
    exception when insufficient_privilege or sqlstate 'WA035' then
      perform wallet_proxy.refuse(
        'this login may not look up names of other databases', 'Give the recipient as p_to_wallet_id.'
      );
    end;
    if v_wallet_id is not null then
      return case when v_number <> v_own then v_wallet_id end;
    end if;
  end loop;
  return null;
end;
$$;
