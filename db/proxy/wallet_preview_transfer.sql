declare
  v_to_wallet_id uuid := p_to_wallet_id;
begin
  v_number := wallet.number_of(p_wallet_id);
  if p_to_wallet_id is null and p_to_username is not null then
    v_to_wallet_id := wallet_proxy.recipient(p_wallet_id, p_to_username, p_actor);
  end if;
  if v_to_wallet_id is not null and wallet_proxy.partition_of(wallet.number_of(v_to_wallet_id)) <> wallet_proxy.partition_of(v_number) then
    perform wallet_proxy.refuse(
      'a transfer to another database has no preview here', 'Ask wallet_can_receive, and the sender''s balance.'
    );
  end if;
  return query select * from wallet_proxy.wallet_preview_transfer(
    wallet_proxy.partition_of(v_number), p_wallet_id, p_txn_id, p_amount, p_to_wallet_id, p_to_username, p_actor, p_key_id
  );
end;
