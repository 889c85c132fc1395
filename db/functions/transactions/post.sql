-- wallet.execute() has locked the wallet and looked the txn_id up. Every function that it dispatches to has these
-- steps: check, write, return.
create or replace function wallet.post(
  p_request wallet.request,
  p_wallet wallet.locked_wallet
)
returns wallet.outcome
language plpgsql
volatile
as $$
declare
  v_amount constant bigint := p_request.amount;
  v_delta constant bigint := case p_request.type when 'spend' then -v_amount else v_amount end;
  v_code text;
  v_limit jsonb;
  v_outcome wallet.outcome;
begin
  v_code := wallet.check_change(
    v_delta, p_wallet.balance, wallet.available(p_wallet.balance, p_wallet.held, p_wallet.floor),
    p_wallet.status, p_wallet.max_balance
  );
  if v_code is not null then
    return wallet.refused_change(v_code, p_request, v_amount, p_wallet);
  end if;
  if p_wallet.has_limits then
    v_limit := wallet.check_limits(p_request.wallet_id, p_request.type, v_amount, p_wallet.created_at);
    if v_limit is not null then
      return wallet.refused_outcome('WA014', v_limit);
    end if;
  end if;

  v_outcome.result := wallet.write_transaction(p_request, v_amount, v_delta, p_wallet);
  return v_outcome;
end;
$$;

comment on function wallet.post(wallet.request, wallet.locked_wallet) is
  'A bonus, topup, spend or adjustment: refuses, or writes one transaction with its two entries.';
