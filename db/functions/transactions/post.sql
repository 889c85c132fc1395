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
  v_opening wallet.opening;
  v_code text;
  v_limit jsonb;
  v_outcome wallet.outcome;
begin
  v_opening := wallet.open(p_request.wallet_id, p_request.txn_id, p_request.actor);
  if v_opening.asset is null then
    return wallet.refused('WA001', jsonb_build_object('wallet_id', p_request.wallet_id));
  end if;

  if v_opening.earlier_id is not null or v_opening.earlier_event is not null then
    return wallet.replay(p_request, v_opening);
  end if;
  if p_request.effective_at > v_opening.created_at then
    return wallet.refused_future(v_opening.created_at);
  end if;

  v_code := wallet.refusal(
    v_delta, v_opening.balance, wallet.available(v_opening.balance, v_opening.held, v_opening.floor),
    v_opening.status, v_opening.max_balance
  );
  if v_code is not null then
    return wallet.refused_amount(v_code, p_request, v_amount, v_opening);
  end if;
  if v_opening.has_limits then
    v_limit := wallet.limit_excess(p_request.wallet_id, p_request.type, v_amount, v_opening.created_at);
    if v_limit is not null then
      return wallet.refused('WA014', v_limit);
    end if;
  end if;

  v_outcome := wallet.write_transaction(
    p_request, v_amount, v_delta, v_opening, wallet.system_wallet_id(v_opening.asset, p_request.type)
  );
  if v_opening.has_limits then
    perform wallet.count_usage(p_request.wallet_id, p_request.type, v_amount, v_opening.created_at);
  end if;
  return v_outcome;
end;
$$;

comment on function wallet.post(wallet.request) is
  'A bonus, topup, spend or adjustment: replays, refuses, or writes one transaction with its two entries. Refusals are returned, not raised.';
