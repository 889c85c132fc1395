-- The one way in: every single call and every item of a batch passes here.
create or replace function wallet.execute(
  p_request wallet.request,
  p_to_username text default null
)
returns wallet.outcome
language plpgsql
volatile
as $$
declare
  v_fault jsonb;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform wallet.require_read_committed();
  end if;
  v_fault := wallet.request_fault(
    p_request.wallet_id, p_request.txn_id,
    case
      when p_request.type in ('topup', 'spend') then p_request.amount
      when p_request.type in ('capture', 'refund', 'void') then coalesce(p_request.amount, 1)
      when p_request.type = 'adjustment' and p_request.amount > -9007199254740992 then abs(p_request.amount)
      else p_request.amount
    end,
    p_request.reference, p_request.metadata, p_request.actor
  );
  if v_fault is not null then
    return wallet.refused_outcome('WA002', v_fault);
  end if;

  if p_request.type in ('topup', 'spend') and p_request.effective_at is null
    and num_nonnulls(p_request.to_wallet_id, p_to_username, p_request.original_txn_id, p_request.final, p_request.expires_in) = 0
  then
    return wallet.post(p_request);
  end if;
  v_fault := wallet.type_fault(p_request, p_to_username);
  if v_fault is not null then
    return wallet.refused_outcome('WA002', v_fault);
  end if;
  return case p_request.type
    when 'transfer' then wallet.transfer(p_request, p_to_username)
    when 'hold' then wallet.hold(p_request)
    when 'capture' then wallet.capture(p_request)
    when 'void' then wallet.void(p_request)
    when 'refund' then wallet.refund(p_request)
    else wallet.post(p_request)
  end;
end;
$$;

comment on function wallet.execute(wallet.request, text) is
  'Validates a request and runs it by its type. A transfer''s recipient may be named instead. Refusals are returned; only an unsupported isolation level is raised (WA007).';
