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
  v_original wallet.transactions;
  v_left bigint;
  v_amount bigint;
  v_code text;
  v_result wallet.transaction_result;
  v_outcome wallet.outcome;
begin
  select t.* into v_original
  from wallet.transactions t
  where t.wallet_id = p_request.wallet_id and t.txn_id = p_request.original_txn_id;
  if not found then
    return wallet.refused_outcome(
      'WA028', jsonb_build_object('field', 'original_txn_id', 'txn_id', p_request.original_txn_id)
    );
  elsif v_original.type not in ('spend', 'capture') then
    return wallet.refused_outcome('WA021', jsonb_build_object('field', 'original_txn_id', 'type', v_original.type));
  end if;
  v_left := wallet.refundable(v_original);
  v_amount := coalesce(p_request.amount, v_left);
  if v_amount > v_left or v_left = 0 then
    return wallet.refused_outcome('WA020', jsonb_build_object('field', 'amount', 'requested', v_amount, 'left', v_left));
  end if;
  v_code := wallet.check_change(v_amount, p_wallet.balance, 0, p_wallet.status, p_wallet.max_balance);
  if v_code is not null then
    return wallet.refused_change(v_code, p_request, v_amount, p_wallet);
  end if;

  v_result := wallet.write_transaction(p_request, v_amount, v_amount, p_wallet);
  insert into wallet.refunds (transaction_id, original_id, requested_amount)
  values (v_result.id, v_original.id, p_request.amount);
  v_outcome.result := v_result;
  return v_outcome;
end;
$$;

comment on function wallet.refund(wallet.request, wallet.locked_wallet) is
  'Gives back a spend or capture, all that is left of it when no amount is given: refuses, or writes one transaction.';
