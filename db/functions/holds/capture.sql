create or replace function wallet.capture(
  p_request wallet.request,
  p_wallet wallet.locked_wallet
)
returns wallet.outcome
language plpgsql
volatile
as $$
declare
  v_hold wallet.holds;
  v_left bigint;
  v_amount bigint;
  v_closes boolean;
  v_code text;
  v_limit jsonb;
  v_result wallet.transaction_result;
  v_outcome wallet.outcome;
begin
  select h.* into v_hold
  from wallet.holds h
  where h.wallet_id = p_request.wallet_id and h.txn_id = p_request.original_txn_id;
  v_code := wallet.check_hold(v_hold, p_wallet.created_at);
  if v_code is not null then
    return wallet.refused_outcome(v_code, jsonb_build_object('hold_txn_id', p_request.original_txn_id, 'expires_at', v_hold.expires_at));
  end if;
  v_left := v_hold.amount - v_hold.captured;
  v_amount := coalesce(p_request.amount, v_left);
  if v_amount > v_left then
    return wallet.refused_outcome('WA019', jsonb_build_object('field', 'amount', 'requested', v_amount, 'left', v_left));
  end if;
  -- what it takes was set aside, but even so no capture leaves less than the floor
  v_code := wallet.check_change(-v_amount, p_wallet.balance, p_wallet.balance - p_wallet.floor, p_wallet.status, null);
  if v_code is not null then
    return wallet.refused_change(v_code, p_request, v_amount, p_wallet);
  end if;
  if p_wallet.has_limits then
    v_limit := wallet.check_limits(p_request.wallet_id, 'capture', v_amount, p_wallet.created_at);
    if v_limit is not null then
      return wallet.refused_outcome('WA014', v_limit);
    end if;
  end if;

  v_closes := v_amount = v_left or p_request.final;
  p_wallet.held := p_wallet.held - case when v_closes then v_left else v_amount end;
  v_result := wallet.write_transaction(p_request, v_amount, -v_amount, p_wallet);
  update wallet.holds h
  set captured = h.captured + v_amount, status = case when v_closes then 'captured' else 'open' end
  where h.id = v_hold.id;
  insert into wallet.hold_events (
    id, hold_id, wallet_id, txn_id, event, amount, final, requested_amount, transaction_id, balance_after,
    available_after, created_at
  )
  values (
    v_result.id, v_hold.id, p_request.wallet_id, p_request.txn_id, 'capture', v_amount, p_request.final, p_request.amount,
    v_result.id, v_result.balance, v_result.available, p_wallet.created_at
  );
  v_outcome.result := v_result;
  return v_outcome;
end;
$$;

comment on function wallet.capture(wallet.request, wallet.locked_wallet) is
  'Takes what a hold set aside, all that is left when no amount is given: refuses, or writes one transaction.';
