-- The first answer again. A retry is the same request as it was sent; NULL equals NULL.
create or replace function wallet.replay(
  p_earlier wallet.transactions,
  p_asset text,
  p_type text,
  p_amount bigint,
  p_reference text,
  p_metadata jsonb
)
returns wallet.outcome
language plpgsql
stable
as $$
declare
  v_details wallet.transaction_details;
  v_field text;
  v_scale smallint;
  v_balance bigint;
begin
  select d.* into v_details
  from wallet.transaction_details d
  where d.transaction_id = p_earlier.id;
  v_field := case
    when p_earlier.type <> p_type then 'type'
    when p_earlier.amount <> p_amount then 'amount'
    when v_details.reference is distinct from p_reference then 'reference'
    when v_details.metadata is distinct from p_metadata then 'metadata'
  end;
  if v_field is not null then
    return wallet.refused('WA004', jsonb_build_object('field', v_field, 'txn_id', p_earlier.txn_id, 'id', p_earlier.id));
  end if;

  select a.scale, l.balance_after into strict v_scale, v_balance
  from wallet.ledger l, wallet.assets a
  where l.wallet_id = p_earlier.wallet_id and l.seq = p_earlier.seq and a.code = p_asset;
  return row(null, null, row(
    p_earlier.id, p_earlier.txn_id, p_earlier.wallet_id, p_earlier.type, p_earlier.amount, p_asset, v_scale,
    v_balance, v_balance, true, p_earlier.created_at
  )::wallet.transaction_result)::wallet.outcome;
end;
$$;

comment on function wallet.replay(wallet.transactions, text, text, bigint, text, jsonb) is
  'The first result of a txn_id that is on record, replayed = true; WA004 naming the field when the request differs.';
