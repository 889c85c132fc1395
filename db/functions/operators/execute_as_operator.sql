-- An operator acts on a wallet that is not the operator's own: the request then runs in the name of its owner.
create or replace function wallet.execute_as_operator(
  p_request wallet.request
)
returns wallet.transaction_result
language plpgsql
volatile
as $$
declare
  v_request wallet.request := p_request;
  v_result wallet.transaction_result;
begin
  -- who is no operator any more still gets the first result of what the audit says that they did, and nothing else
  if not exists (
    select
    from wallet.transactions t
    join wallet.operator_actions a on a.wallet_id = t.wallet_id
    where t.wallet_id = p_request.wallet_id and t.txn_id = p_request.txn_id and a.actor = p_request.actor
      and a.action = p_request.type and a.detail @> jsonb_build_object('transaction_id', t.id)
  ) then
    perform wallet.require_role(p_request.actor);
  end if;
  select w.owner_id into v_request.actor
  from wallet.wallets w
  where w.id = p_request.wallet_id and wallet.is_visible(w, null);
  if p_request.wallet_id is not null and v_request.actor is null then
    perform wallet.raise_error('WA001', jsonb_build_object('wallet_id', p_request.wallet_id));
  end if;
  if not exists (
    select from wallet.transactions t where t.wallet_id = p_request.wallet_id and t.txn_id = p_request.txn_id
  ) then
    perform wallet.require_another(v_request.actor, p_request.actor);
  end if;

  v_result := wallet.result_or_raise(wallet.execute(v_request));
  if not v_result.replayed then
    perform wallet.record_action(
      p_request.actor, p_request.type, null, p_request.wallet_id,
      p_detail => jsonb_build_object('transaction_id', v_result.id)
    );
  end if;
  return v_result;
end;
$$;

comment on function wallet.execute_as_operator(wallet.request) is 'Runs an operator''s request on any user wallet and records who did it. Errors: those of the request, WA027, WA038.';
