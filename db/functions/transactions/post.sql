-- Moves money between a user wallet and the system wallet of the transaction's type. The order of the steps is the
-- guarantee, here and in every other mutation: validate, lock, look the txn_id up, check, write, return.
create or replace function wallet.post(
  p_request wallet.request
)
returns wallet.outcome
language plpgsql
volatile
as $$
declare
  v_amount constant bigint := p_request.amount;
  v_delta constant bigint := case p_request.type when 'spend' then -v_amount else v_amount end;
  v_wallet wallet.locked_wallet;
  v_code text;
  v_limit jsonb;
  v_outcome wallet.outcome;
begin
  v_wallet := wallet.lock_wallet(p_request.wallet_id, p_request.txn_id, p_request.actor);
  if v_wallet.asset is null then
    return wallet.refused_outcome('WA001', jsonb_build_object('wallet_id', p_request.wallet_id));
  end if;

  if v_wallet.earlier_id is not null or v_wallet.earlier_event is not null then
    return wallet.replay(p_request, v_wallet);
  end if;
  if p_request.effective_at > v_wallet.created_at then
    return wallet.refused_future(v_wallet.created_at);
  end if;

  v_code := wallet.check_change(
    v_delta, v_wallet.balance, wallet.available(v_wallet.balance, v_wallet.held, v_wallet.floor),
    v_wallet.status, v_wallet.max_balance
  );
  if v_code is not null then
    return wallet.refused_change(v_code, p_request, v_amount, v_wallet);
  end if;
  if v_wallet.has_limits then
    v_limit := wallet.check_limits(p_request.wallet_id, p_request.type, v_amount, v_wallet.created_at);
    if v_limit is not null then
      return wallet.refused_outcome('WA014', v_limit);
    end if;
  end if;

  v_outcome := wallet.write_transaction(
    p_request, v_amount, v_delta, v_wallet, wallet.system_wallet_id(v_wallet.asset, p_request.type)
  );
  if v_wallet.has_limits then
    perform wallet.count_usage(p_request.wallet_id, p_request.type, v_amount, v_wallet.created_at);
  end if;
  return v_outcome;
end;
$$;

comment on function wallet.post(wallet.request) is
  'A bonus, topup, spend or adjustment: replays, refuses, or writes one transaction with its two entries. Refusals are returned, not raised.';
