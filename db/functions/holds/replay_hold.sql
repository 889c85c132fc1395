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
    return wallet.refused_outcome('WA004', jsonb_build_object('field', v_field, 'txn_id', p_request.txn_id, 'id', v_earlier.hold_id));
  end if;
  return row(null, null, row(
    v_earlier.hold_id, p_request.txn_id, p_request.wallet_id, v_earlier.event, v_earlier.amount, p_wallet.asset,
    p_wallet.scale, v_earlier.balance_after, v_earlier.available_after, true, v_earlier.created_at, null
  )::wallet.transaction_result)::wallet.outcome;
end;
$$;

comment on function wallet.replay_hold(wallet.request, wallet.locked_wallet) is
  'The first result of a hold or void whose txn_id is on record; WA004 naming the field when the request differs.';
