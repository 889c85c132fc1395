create or replace function wallet.refused_transfer(
  p_request wallet.request,
  p_wallet wallet.locked_wallet,
  p_recipient wallet.locked_wallet,
  p_to_username text
)
returns wallet.outcome
language plpgsql
stable
as $$
declare
  v_amount constant bigint := p_request.amount;
  v_to constant text := case when p_to_username is null then 'to_wallet_id' else 'to_username' end;
  v_code text;
  v_limit jsonb;
begin
  if p_recipient.asset is null and not (p_to_username is null and wallet.is_elsewhere(p_request.to_wallet_id)) then
    return wallet.refused_outcome('WA009', jsonb_build_object(
      'field', v_to, v_to, coalesce(p_to_username, p_request.to_wallet_id::text), 'asset', p_wallet.asset
    ));
  elsif p_request.to_wallet_id = p_request.wallet_id then
    return wallet.refused_outcome('WA010', jsonb_build_object('field', v_to, 'to_wallet_id', p_request.to_wallet_id));
  elsif p_recipient.asset <> p_wallet.asset then
    return wallet.refused_outcome('WA011', jsonb_build_object('field', v_to, 'asset', p_wallet.asset));
  end if;
  v_code := wallet.check_change(
    -v_amount, p_wallet.balance, wallet.available(p_wallet.balance, p_wallet.held, p_wallet.floor),
    p_wallet.status, p_wallet.max_balance
  );
  if v_code is not null then
    return wallet.refused_change(v_code, p_request, v_amount, p_wallet);
  end if;
  -- of a wallet that is elsewhere nothing is known, so that nothing refuses
  v_code := wallet.check_change(v_amount, p_recipient.balance, 0, p_recipient.status, p_recipient.max_balance);
  if v_code is not null then
    -- the sender learns that it cannot be received, and nothing of what the recipient has
    return wallet.refused_outcome(v_code, jsonb_build_object('field', v_to, 'wallet_id', p_request.to_wallet_id));
  end if;
  if p_wallet.has_limits then
    v_limit := wallet.check_limits(p_request.wallet_id, 'transfer', v_amount, p_wallet.created_at);
    if v_limit is not null then
      return wallet.refused_outcome('WA014', v_limit);
    end if;
  end if;
  return null;
end;
$$;

comment on function wallet.refused_transfer(wallet.request, wallet.locked_wallet, wallet.locked_wallet, text) is
  'The refusal of a transfer between two locked user wallets, or null when nothing stands against it; to a wallet of another database, what stands against it here.';
