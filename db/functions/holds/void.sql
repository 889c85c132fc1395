create or replace function wallet.void(
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
  v_code text;
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
  update wallet.holds h set status = 'voided' where h.id = v_hold.id;
  v_outcome.result := wallet.write_hold_event(
    p_request, v_hold.id, v_left, p_wallet,
    wallet.available(p_wallet.balance, p_wallet.held - v_left, p_wallet.floor)
  );
  return v_outcome;
end;
$$;

comment on function wallet.void(wallet.request, wallet.locked_wallet) is 'Releases what is left of a hold: refuses, or closes it. A frozen wallet allows it.';
