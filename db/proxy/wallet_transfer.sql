declare
  v_to_wallet_id uuid := p_to_wallet_id;
  v_asset text;
begin
  v_number := wallet.number_of(p_wallet_id);
  if p_to_wallet_id is null and p_to_username is not null then
    v_to_wallet_id := wallet_proxy.recipient(p_wallet_id, p_to_username, p_actor);
  end if;
  -- what is looked up here is shown to nobody, so a key needs no scope for it
  -- the recipient's database is asked as the service asks it; what is on record is answered whatever that says
  if v_to_wallet_id is not null and wallet_proxy.partition_of(wallet.number_of(v_to_wallet_id)) <> wallet_proxy.partition_of(v_number) then
    select b.asset into v_asset
    from wallet_proxy.wallet_balance(wallet_proxy.partition_of(v_number), p_wallet_id, p_actor, null) b;
    begin
      v_number := wallet.number_of(v_to_wallet_id);
      perform wallet_proxy.wallet_can_receive(
        wallet_proxy.partition_of(v_number), v_to_wallet_id, v_asset, p_amount,
        case when p_to_wallet_id is null then 'to_username' else 'to_wallet_id' end
      );
    exception
      -- a login that may not ask: the recipient's database decides later
      when insufficient_privilege or sqlstate 'WA035' then
        null;
      when sqlstate 'WA006' or sqlstate 'WA009' or sqlstate 'WA011' or sqlstate 'WA013' then
        if not exists (
          select
          from wallet_proxy.wallet_find_request(
            wallet_proxy.partition_of(wallet.number_of(p_wallet_id)), p_wallet_id, p_txn_id, p_actor, null
          )
        ) then
          raise;
        end if;
    end;
    v_number := wallet.number_of(p_wallet_id);
  end if;
  return wallet_proxy.wallet_transfer(
    wallet_proxy.partition_of(v_number), p_wallet_id, p_txn_id, p_amount, v_to_wallet_id,
    case when v_to_wallet_id is null or p_to_wallet_id is not null then p_to_username end, p_reference, p_metadata,
    p_effective_at, p_actor, p_key_id
  );
end;
