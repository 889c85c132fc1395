-- Both wallets are locked by one statement in the order of their ids, so that two transfers in opposite directions wait
-- for each other instead of deadlocking. Neither is locked where the sender is not the actor's.
create or replace function wallet.transfer(
  p_request wallet.request,
  p_to_username text default null
)
returns wallet.outcome
language plpgsql
volatile
as $$
declare
  v_amount constant bigint := p_request.amount;
  v_request wallet.request := p_request;
  v_sender wallet.locked_wallet;
  v_recipient wallet.locked_wallet;
  v_code text;
  v_limit jsonb;
  v_outcome wallet.outcome;
begin
  if p_to_username is not null then
    -- not refused yet where it names nobody any more: the transfer may be on record
    v_request.to_wallet_id := wallet.recipient(v_request.wallet_id, p_to_username);
  end if;
  perform from wallet.wallets w
  where w.id in (v_request.wallet_id, v_request.to_wallet_id) and w.kind = 'user'
    and exists (
      select
      from wallet.wallets s
      where s.id = v_request.wallet_id and s.kind = 'user' and (v_request.actor is null or s.owner_id = v_request.actor)
    )
  order by w.id
  for update;
  v_sender := wallet.lock_wallet(v_request.wallet_id, v_request.txn_id, v_request.actor);
  if v_sender.asset is null then
    return wallet.refused_outcome('WA001', jsonb_build_object('wallet_id', v_request.wallet_id));
  end if;

  if v_sender.earlier_id is not null or v_sender.earlier_event is not null then
    return wallet.replay(v_request, v_sender);
  end if;
  if v_request.effective_at > v_sender.created_at then
    return wallet.refused_future(v_sender.created_at);
  end if;

  v_recipient := wallet.lock_wallet(v_request.to_wallet_id, null, null);
  if v_recipient.asset is null then
    return wallet.refused_outcome('WA009', case
      when p_to_username is null then jsonb_build_object('field', 'to_wallet_id', 'to_wallet_id', v_request.to_wallet_id)
      else jsonb_build_object('field', 'to_username', 'to_username', p_to_username)
    end);
  elsif v_request.to_wallet_id = v_request.wallet_id then
    return wallet.refused_outcome('WA010', jsonb_build_object('field', 'to_wallet_id', 'to_wallet_id', v_request.to_wallet_id));
  elsif v_recipient.asset <> v_sender.asset then
    return wallet.refused_outcome('WA011', jsonb_build_object('field', 'to_wallet_id', 'asset', v_sender.asset));
  end if;
  v_code := wallet.check_change(
    -v_amount, v_sender.balance, wallet.available(v_sender.balance, v_sender.held, v_sender.floor),
    v_sender.status, v_sender.max_balance
  );
  if v_code is not null then
    return wallet.refused_change(v_code, v_request, v_amount, v_sender);
  end if;
  v_code := wallet.check_change(v_amount, v_recipient.balance, 0, v_recipient.status, v_recipient.max_balance);
  if v_code is not null then
    -- the sender learns that it cannot be received, nothing of what the recipient has
    return wallet.refused_outcome(v_code, jsonb_build_object('field', 'to_wallet_id', 'wallet_id', v_request.to_wallet_id));
  end if;
  if v_sender.has_limits then
    v_limit := wallet.check_limits(v_request.wallet_id, 'transfer', v_amount, v_sender.created_at);
    if v_limit is not null then
      return wallet.refused_outcome('WA014', v_limit);
    end if;
  end if;

  v_outcome := wallet.write_transaction(v_request, v_amount, -v_amount, v_sender, v_request.to_wallet_id, v_recipient);
  if v_sender.has_limits then
    perform wallet.count_usage(v_request.wallet_id, 'transfer', v_amount, v_sender.created_at);
  end if;
  return v_outcome;
end;
$$;

comment on function wallet.transfer(wallet.request, text) is
  'Moves money between two user wallets: replays, refuses, or writes one transaction with an entry in each. The name is told when it names nobody.';
