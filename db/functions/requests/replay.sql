-- A retry is the same request as it was sent, before defaults; NULL equals NULL.
create or replace function wallet.replay(
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
  select t.id, t.type::text as type, t.amount, t.counterparty_id,
    coalesce(l.recorded_at, t.created_at) as created_at, l.balance_after, l.hash,
    coalesce(v.available, l.balance_after) as available,
    d.hash is not null and d.salt is null as is_erased, d.reference, d.metadata, d.effective_at,
    case t.type when 'refund' then r.requested_amount when 'capture' then e.requested_amount else t.amount end
      as requested_amount,
    case t.type when 'refund' then o.txn_id when 'capture' then h.txn_id end as original_txn_id,
    e.final
  into strict v_earlier
  from wallet.transactions t
  join wallet.ledger l on l.wallet_id = t.wallet_id and l.seq = t.seq
  left join wallet.transaction_details d on d.transaction_id = t.id
  left join wallet.transaction_available v on v.transaction_id = t.id
  left join wallet.refunds r on r.transaction_id = t.id
  left join wallet.transactions o on o.id = r.original_id
  left join wallet.hold_events e on e.wallet_id = t.wallet_id and e.txn_id = t.txn_id
  left join wallet.holds h on h.id = e.hold_id
  where t.id = p_wallet.earlier_id;

  v_field := case
    when v_earlier.type <> p_request.type then 'type'
    when v_earlier.requested_amount is distinct from p_request.amount then 'amount'
    -- a name that can no longer be resolved is not compared
    when p_request.to_wallet_id is not null and v_earlier.counterparty_id is distinct from p_request.to_wallet_id
      then 'to_wallet_id'
    when v_earlier.original_txn_id is distinct from p_request.original_txn_id then 'original_txn_id'
    when v_earlier.final is distinct from p_request.final then 'final'
    -- what was erased cannot be compared
    when v_earlier.is_erased then null
    when v_earlier.reference is distinct from p_request.reference then 'reference'
    when v_earlier.metadata is distinct from p_request.metadata then 'metadata'
    when v_earlier.effective_at is distinct from p_request.effective_at then 'effective_at'
  end;
  if v_field is not null then
    return wallet.refused_outcome(
      'WA004', jsonb_build_object('field', v_field, 'txn_id', p_request.txn_id, 'id', v_earlier.id)
    );
  end if;

  v_result.id := v_earlier.id;
  v_result.amount := v_earlier.amount;
  v_result.balance := v_earlier.balance_after;
  v_result.available := v_earlier.available;
  v_result.created_at := v_earlier.created_at;
  v_result.receipt := encode(v_earlier.hash, 'hex');
  v_outcome.result := v_result;
  return v_outcome;
end;
$$;

comment on function wallet.replay(wallet.request, wallet.locked_wallet) is
  'The first result of the request whose transaction is on record; WA004 naming the field when the request differs.';
