-- Both wallets are locked by one statement in the order of their ids, so that two transfers in opposite directions wait
-- for each other instead of deadlocking. A sender that the actor does not own is never waited for.
create or replace function wallet.transfer(
  p_request wallet.request
)
returns wallet.outcome
language plpgsql
volatile
as $$
declare
  v_amount constant bigint := p_request.amount;
  v_sender wallet.opening;
  v_recipient wallet.opening;
  v_code text;
  v_limit jsonb;
  v_outcome wallet.outcome;
begin
  perform from wallet.wallets w
  where w.id in (p_request.wallet_id, p_request.to_wallet_id) and w.kind = 'user'
    and (p_request.actor is null or w.owner_id = p_request.actor or w.id = p_request.to_wallet_id)
  order by w.id
  for update;
  v_sender := wallet.open(p_request.wallet_id, p_request.txn_id, p_request.actor);
  if v_sender.asset is null then
    return wallet.refused('WA001', jsonb_build_object('wallet_id', p_request.wallet_id));
  end if;

  if v_sender.earlier_id is not null or v_sender.earlier_event is not null then
    return wallet.replay(p_request, v_sender);
  end if;

  v_recipient := wallet.open(p_request.to_wallet_id, null, null);
  if v_recipient.asset is null then
    return wallet.refused('WA009', jsonb_build_object('field', 'to_wallet_id', 'to_wallet_id', p_request.to_wallet_id));
  elsif p_request.to_wallet_id = p_request.wallet_id then
    return wallet.refused('WA010', jsonb_build_object('field', 'to_wallet_id', 'to_wallet_id', p_request.to_wallet_id));
  elsif v_recipient.asset <> v_sender.asset then
    return wallet.refused('WA011', jsonb_build_object('field', 'to_wallet_id', 'asset', v_sender.asset));
  end if;
  v_code := wallet.refusal(
    -v_amount, v_sender.balance, wallet.available(v_sender.balance, v_sender.held, v_sender.floor),
    v_sender.status, v_sender.max_balance
  );
  if v_code is not null then
    return wallet.refused_amount(v_code, p_request, v_amount, v_sender);
  end if;
  v_code := wallet.refusal(v_amount, v_recipient.balance, 0, v_recipient.status, v_recipient.max_balance);
  if v_code is not null then
    -- the sender learns that it cannot be received, nothing of what the recipient has
    return wallet.refused(v_code, jsonb_build_object('field', 'to_wallet_id', 'wallet_id', p_request.to_wallet_id));
  end if;
  if v_sender.has_limits then
    v_limit := wallet.limit_excess(p_request.wallet_id, 'transfer', v_amount, v_sender.created_at);
    if v_limit is not null then
      return wallet.refused('WA014', v_limit);
    end if;
  end if;

  v_sender.created_at := greatest(v_sender.created_at, v_recipient.created_at);
  v_outcome := wallet.write_transaction(p_request, v_amount, -v_amount, v_sender, p_request.to_wallet_id, v_recipient);
  if v_sender.has_limits then
    perform wallet.count_usage(p_request.wallet_id, 'transfer', v_amount, v_sender.created_at);
  end if;
  return v_outcome;
end;
$$;

comment on function wallet.transfer(wallet.request) is
  'Moves money between two user wallets: replays, refuses, or writes one transaction with an entry in each.';
