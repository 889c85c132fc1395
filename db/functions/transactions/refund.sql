-- The sum of earlier refunds is read under the wallet's lock, so two at once cannot pass the original together.
create or replace function wallet.refund(
  p_request wallet.request
)
returns wallet.outcome
language plpgsql
volatile
as $$
declare
  v_wallet wallet.locked_wallet;
  v_original wallet.transactions;
  v_left bigint;
  v_amount bigint;
  v_code text;
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

  select t.* into v_original
  from wallet.transactions t
  where t.wallet_id = p_request.wallet_id and t.txn_id = p_request.original_txn_id;
  if not found then
    return wallet.refused_outcome('WA028', jsonb_build_object('field', 'original_txn_id', 'txn_id', p_request.original_txn_id));
  elsif v_original.type not in ('spend', 'capture') then
    return wallet.refused_outcome('WA021', jsonb_build_object('field', 'original_txn_id', 'type', v_original.type));
  end if;
  select v_original.amount - coalesce(sum(t.amount), 0) into v_left
  from wallet.refunds r
  join wallet.transactions t on t.id = r.transaction_id
  where r.original_id = v_original.id;
  v_amount := coalesce(p_request.amount, v_left);
  if v_amount > v_left or v_left = 0 then
    return wallet.refused_outcome('WA020', jsonb_build_object('field', 'amount', 'requested', v_amount, 'left', v_left));
  end if;
  v_code := wallet.check_change(v_amount, v_wallet.balance, 0, v_wallet.status, v_wallet.max_balance);
  if v_code is not null then
    return wallet.refused_change(v_code, p_request, v_amount, v_wallet);
  end if;

  v_outcome := wallet.write_transaction(
    p_request, v_amount, v_amount, v_wallet, wallet.system_wallet_id(v_wallet.asset, 'refund')
  );
  insert into wallet.refunds (transaction_id, original_id, requested_amount)
  values ((v_outcome.result).id, v_original.id, p_request.amount);
  return v_outcome;
end;
$$;

comment on function wallet.refund(wallet.request) is
  'Gives back a spend or capture, all that is left of it when no amount is given: replays, refuses, or writes one transaction.';
