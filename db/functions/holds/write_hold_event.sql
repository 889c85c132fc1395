create or replace function wallet.write_hold_event(
  p_request wallet.request,
  p_hold_id bigint,
  p_amount bigint,
  p_wallet wallet.locked_wallet,
  p_available bigint
)
returns wallet.transaction_result
language plpgsql
volatile
as $$
declare
  v_event_id bigint;
  v_result wallet.transaction_result;
begin
  if p_wallet.has_holds then
    perform wallet.end_due_holds(p_request.wallet_id, p_wallet.created_at);
  end if;
  insert into wallet.hold_events (hold_id, wallet_id, txn_id, event, amount, balance_after, available_after, created_at)
  values (
    p_hold_id, p_request.wallet_id, p_request.txn_id, p_request.type, p_amount, p_wallet.balance, p_available,
    p_wallet.created_at
  )
  returning id into v_event_id;
  if p_request.key_id is not null then
    insert into wallet.key_uses (id, key_id) values (v_event_id, p_request.key_id);
  end if;

  v_result.id := p_hold_id;
  v_result.amount := p_amount;
  v_result.balance := p_wallet.balance;
  v_result.available := p_available;
  v_result.created_at := p_wallet.created_at;
  return v_result;
end;
$$;

comment on function wallet.write_hold_event(wallet.request, bigint, bigint, wallet.locked_wallet, bigint) is
  'Records a hold or void, which post nothing, and answers it with what is available after it.';
