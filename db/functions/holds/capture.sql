create or replace function wallet.capture(
  p_request wallet.request
)
returns wallet.outcome
language plpgsql
volatile
as $$
declare
  v_wallet wallet.locked_wallet;
  v_hold wallet.holds;
  v_left bigint;
  v_amount bigint;
  v_closes boolean;
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

  select h.* into v_hold
  from wallet.holds h
  where h.wallet_id = p_request.wallet_id and h.txn_id = p_request.original_txn_id;
  v_code := wallet.check_hold(v_hold, v_wallet.created_at);
  if v_code is not null then
    return wallet.refused_outcome(v_code, jsonb_build_object('hold_txn_id', p_request.original_txn_id, 'expires_at', v_hold.expires_at));
  end if;
  v_left := v_hold.amount - v_hold.captured;
  v_amount := coalesce(p_request.amount, v_left);
  if v_amount > v_left then
    return wallet.refused_outcome('WA019', jsonb_build_object('field', 'amount', 'requested', v_amount, 'left', v_left));
  end if;
  -- what it takes was set aside; no capture leaves less than the floor all the same
  v_code := wallet.check_change(-v_amount, v_wallet.balance, v_wallet.balance - v_wallet.floor, v_wallet.status, null);
  if v_code is not null then
    return wallet.refused_change(v_code, p_request, v_amount, v_wallet);
  end if;
  if v_wallet.has_limits then
    v_limit := wallet.check_limits(p_request.wallet_id, 'capture', v_amount, v_wallet.created_at);
    if v_limit is not null then
      return wallet.refused_outcome('WA014', v_limit);
    end if;
  end if;

  v_closes := v_amount = v_left or p_request.final;
  v_wallet.held := v_wallet.held - case when v_closes then v_left else v_amount end;
  v_outcome := wallet.write_transaction(
    p_request, v_amount, -v_amount, v_wallet, wallet.system_wallet_id(v_wallet.asset, 'capture')
  );
  update wallet.holds h
  set captured = h.captured + v_amount, status = case when v_closes then 'captured' else 'open' end
  where h.id = v_hold.id;
  insert into wallet.hold_events (
    hold_id, wallet_id, txn_id, event, amount, final, requested_amount, transaction_id, balance_after, available_after, created_at
  )
  values (
    v_hold.id, p_request.wallet_id, p_request.txn_id, 'capture', v_amount, p_request.final, p_request.amount,
    (v_outcome.result).id, (v_outcome.result).balance, (v_outcome.result).available, v_wallet.created_at
  );
  if v_wallet.has_limits then
    perform wallet.count_usage(p_request.wallet_id, 'capture', v_amount, v_wallet.created_at);
  end if;
  return v_outcome;
end;
$$;

comment on function wallet.capture(wallet.request) is
  'Takes what a hold set aside, all that is left when no amount is given: replays, refuses, or writes one transaction.';
