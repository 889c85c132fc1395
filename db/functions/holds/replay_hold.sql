create or replace function wallet.replay_hold(
  p_request wallet.request,
  p_wallet wallet.locked_wallet
)
returns wallet.outcome
language plpgsql
stable
as $$
declare
  v_earlier record;
  v_field text;
  v_result wallet.transaction_result;
  v_outcome wallet.outcome;
begin
  select e.*, h.txn_id as hold_txn_id, h.expires_in, h.reference, h.metadata into strict v_earlier
  from wallet.hold_events e
  join wallet.holds h on h.id = e.hold_id
  where e.wallet_id = p_request.wallet_id and e.txn_id = p_request.txn_id;

  v_field := case
    when v_earlier.event <> p_request.type then 'type'
    when v_earlier.event = 'void' and v_earlier.hold_txn_id is distinct from p_request.original_txn_id then 'original_txn_id'
    when v_earlier.event = 'void' then null
    when v_earlier.amount is distinct from p_request.amount then 'amount'
    when v_earlier.expires_in is distinct from p_request.expires_in then 'expires_in'
    -- what was erased cannot be compared
    when p_wallet.is_erased then null
    when v_earlier.reference is distinct from p_request.reference then 'reference'
    when v_earlier.metadata is distinct from p_request.metadata then 'metadata'
  end;
  if v_field is not null then
    return wallet.refused_outcome(
      'WA004', jsonb_build_object('field', v_field, 'txn_id', p_request.txn_id, 'id', v_earlier.hold_id)
    );
  end if;

  v_result.id := v_earlier.hold_id;
  v_result.amount := v_earlier.amount;
  v_result.balance := v_earlier.balance_after;
  v_result.available := v_earlier.available_after;
  v_result.created_at := v_earlier.created_at;
  v_outcome.result := v_result;
  return v_outcome;
end;
$$;

comment on function wallet.replay_hold(wallet.request, wallet.locked_wallet) is
  'The first result of a hold or void whose txn_id is on record; WA004 naming the field when the request differs.';
