create or replace function wallet.void(
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
  v_code text;
begin
  v_wallet := wallet.lock_wallet(p_request.wallet_id, p_request.txn_id, p_request.actor);
  if v_wallet.asset is null then
    return wallet.refused_outcome('WA001', jsonb_build_object('wallet_id', p_request.wallet_id));
  end if;

  if v_wallet.earlier_id is not null or v_wallet.earlier_event is not null then
    return wallet.replay(p_request, v_wallet);
  end if;

  select h.* into v_hold
  from wallet.holds h
  where h.wallet_id = p_request.wallet_id and h.txn_id = p_request.original_txn_id;
  v_code := wallet.check_hold(v_hold, v_wallet.created_at);
  if v_code is not null then
    return wallet.refused_outcome(v_code, jsonb_build_object('hold_txn_id', p_request.original_txn_id, 'expires_at', v_hold.expires_at));
  end if;

  v_left := v_hold.amount - v_hold.captured;
  update wallet.holds h set status = 'voided' where h.id = v_hold.id;
  return wallet.write_hold_event(
    p_request, v_hold.id, v_left, v_wallet,
    wallet.available(v_wallet.balance, v_wallet.held - v_left, v_wallet.floor)
  );
end;
$$;

comment on function wallet.void(wallet.request) is 'Releases what is left of a hold: replays, refuses, or closes it. A frozen wallet allows it.';
