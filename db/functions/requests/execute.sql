-- The one way in: every single call and every item of a batch passes here. The order of the steps is the guarantee:
-- validate, lock, look the txn_id up, replay. Only after that may a request be refused by what can change: names,
-- settings, status, limits, the clock, funds.
create or replace function wallet.execute(
  p_request wallet.request,
  p_to_username text default null
)
returns wallet.outcome
language plpgsql
volatile
as $$
declare
  v_request wallet.request := p_request;
  v_wallet wallet.locked_wallet;
  v_fault jsonb;
  v_outcome wallet.outcome;
  v_result wallet.transaction_result;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform wallet.require_read_committed();
  end if;
  v_fault := wallet.request_fault(
    p_request.wallet_id, p_request.txn_id,
    case
      when p_request.type in ('topup', 'spend') then p_request.amount
      when p_request.type in ('capture', 'refund', 'void') then coalesce(p_request.amount, 1)
      when p_request.type = 'adjustment' and p_request.amount >= -wallet.max_amount() then abs(p_request.amount)
      else p_request.amount
    end,
    p_request.reference, p_request.metadata, p_request.actor
  );
  if v_fault is null and (
    p_request.type in ('topup', 'spend') and num_nonnulls(
      p_request.effective_at, p_request.to_wallet_id, p_to_username, p_request.original_txn_id, p_request.final,
      p_request.expires_in
    ) = 0
  ) is not true then
    v_fault := wallet.type_fault(p_request, p_to_username);
  end if;
  if v_fault is not null then
    return wallet.refused_outcome('WA002', v_fault);
  end if;

  if p_request.type = 'transfer' then
    -- a name that names nobody any more is not refused here, because the transfer may be on record
    if p_to_username is not null then
      v_request.to_wallet_id := wallet.recipient(p_request.wallet_id, p_to_username);
    end if;
    perform wallet.lock_both(p_request.wallet_id, v_request.to_wallet_id, p_request.actor);
  end if;
  v_wallet := wallet.lock_wallet(p_request.wallet_id, p_request.txn_id, p_request.actor);
  if v_wallet.asset is null then
    return wallet.refused_outcome('WA001', jsonb_build_object('wallet_id', p_request.wallet_id));
  end if;

  if v_wallet.earlier_id is not null then
    v_outcome := wallet.replay(v_request, v_wallet);
  elsif v_wallet.earlier_event is not null then
    v_outcome := wallet.replay_hold(v_request, v_wallet);
  elsif p_request.effective_at > v_wallet.created_at then
    v_outcome := wallet.refused_outcome(
      'WA023', jsonb_build_object('field', 'effective_at', 'now', v_wallet.created_at)
    );
  else
    v_outcome := case p_request.type
      when 'transfer' then wallet.transfer(v_request, v_wallet, p_to_username)
      when 'hold' then wallet.hold(v_request, v_wallet)
      when 'capture' then wallet.capture(v_request, v_wallet)
      when 'void' then wallet.void(v_request, v_wallet)
      when 'refund' then wallet.refund(v_request, v_wallet)
      else wallet.post(v_request, v_wallet)
    end;
  end if;

  if v_outcome.code is null then
    v_result := v_outcome.result;
    v_result.txn_id := p_request.txn_id;
    v_result.wallet_id := p_request.wallet_id;
    v_result.type := p_request.type;
    v_result.asset := v_wallet.asset;
    v_result.scale := v_wallet.scale;
    v_result.replayed := num_nonnulls(v_wallet.earlier_id, v_wallet.earlier_event) > 0;
    v_outcome.result := v_result;
  elsif v_outcome.detail ?| array['requested', 'left'] then
    -- minor units say nothing without their asset and scale
    v_outcome.detail := v_outcome.detail || jsonb_build_object('asset', v_wallet.asset, 'scale', v_wallet.scale);
  end if;
  return v_outcome;
end;
$$;

comment on function wallet.execute(wallet.request, text) is
  'Runs a request; a transfer may name its recipient. Refusals are returned; only an unsupported isolation level is raised (WA007).';
