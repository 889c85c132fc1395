-- The sum of earlier refunds is read under the wallet's lock, so that two at once cannot exceed the original together.
create or replace function wallet.refund(
  p_request wallet.request,
  p_wallet wallet.locked_wallet
)
returns wallet.outcome
language plpgsql
volatile
as $$
declare
  v_refund record;
  v_code text;
  v_result wallet.transaction_result;
  v_outcome wallet.outcome;
begin
  select r.* into v_refund
  from wallet.refundable(p_request.wallet_id, p_request.original_txn_id, p_request.amount) r;
  if v_refund.code is not null then
    return wallet.refused_outcome(v_refund.code, v_refund.detail);
  end if;
  v_code := wallet.check_change(v_refund.amount, p_wallet.balance, 0, p_wallet.status, p_wallet.max_balance);
  if v_code is not null then
    return wallet.refused_change(v_code, p_request, v_refund.amount, p_wallet);
  end if;

  v_result := wallet.write_transaction(p_request, v_refund.amount, v_refund.amount, p_wallet);
  insert into wallet.refunds (transaction_id, original_id, requested_amount)
  values (v_result.id, v_refund.original_id, p_request.amount);
  v_outcome.result := v_result;
  return v_outcome;
end;
$$;

comment on function wallet.refund(wallet.request, wallet.locked_wallet) is
  'Gives back a spend or capture, all that is left of it when no amount is given: refuses, or writes one transaction.';
