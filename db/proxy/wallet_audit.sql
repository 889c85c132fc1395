begin
  if p_user_id is null and p_wallet_id is null then
    perform wallet_proxy.refuse('the record of all databases has no pages here', 'Name a user or a wallet, or ask a database itself.');
  end if;
  v_number := wallet.number_of(coalesce(p_user_id, p_wallet_id));
  return query select * from wallet_proxy.wallet_audit(
    wallet_proxy.partition_of(v_number), p_user_id, p_wallet_id, p_operator_id, p_action, p_limit, p_before_id, p_actor
  );
end;
