-- The first answer again. A retry is the same request as it was sent; NULL equals NULL.
create or replace function wallet.replay(
  p_id bigint,
  p_asset text,
  p_scale smallint,
  p_type wallet.transaction_type,
  p_amount bigint,
  p_reference text,
  p_metadata jsonb
)
returns wallet.outcome
language plpgsql
stable
as $$
declare
  v_earlier record;
  v_field text;
begin
  select t.*, l.balance_after, d.reference, d.metadata into strict v_earlier
  from wallet.transactions t
  join wallet.ledger l on l.wallet_id = t.wallet_id and l.seq = t.seq
  left join wallet.transaction_details d on d.transaction_id = t.id
  where t.id = p_id;
  v_field := case
    when v_earlier.type <> p_type then 'type'
    when v_earlier.amount <> p_amount then 'amount'
    when v_earlier.reference is distinct from p_reference then 'reference'
    when v_earlier.metadata is distinct from p_metadata then 'metadata'
  end;
  if v_field is not null then
    return wallet.refused('WA004', jsonb_build_object('field', v_field, 'txn_id', v_earlier.txn_id, 'id', v_earlier.id));
  end if;

  return row(null, null, row(
    v_earlier.id, v_earlier.txn_id, v_earlier.wallet_id, v_earlier.type::text, v_earlier.amount, p_asset, p_scale,
    v_earlier.balance_after, v_earlier.balance_after, true, v_earlier.created_at
  )::wallet.transaction_result)::wallet.outcome;
end;
$$;

comment on function wallet.replay(bigint, text, smallint, wallet.transaction_type, bigint, text, jsonb) is
  'The first result of the transaction that the txn_id is on record for, replayed = true; WA004 naming the field when the request differs.';
