create or replace function public.wallet_confirm(
  p_id bigint,
  p_actor uuid default null
)
returns wallet.transaction_result
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_confirmation wallet.confirmations;
  v_owner_id uuid;
  v_request wallet.request;
  v_result wallet.transaction_result;
begin
  -- whoever confirmed it gets the transaction again, as an operator of before too
  if not wallet.is_believed() or not exists (
    select from wallet.confirmations c where c.id = p_id and c.status = 'confirmed' and c.decided_by = p_actor
  ) then
    perform wallet.require_operator(p_actor);
  end if;
  v_confirmation := wallet.locked_confirmation(p_id);
  select w.owner_id into v_owner_id
  from wallet.wallets w
  where w.id = v_confirmation.wallet_id;
  perform wallet.require_another(v_confirmation.actor, p_actor), wallet.require_another(v_owner_id, p_actor);
  if v_confirmation.status = 'rejected' then
    perform wallet.raise_error('WA040', jsonb_build_object('id', p_id, 'decision', v_confirmation.status));
  end if;

  v_request.type := v_confirmation.type;
  v_request.wallet_id := v_confirmation.wallet_id;
  v_request.txn_id := v_confirmation.txn_id;
  v_request.original_txn_id := v_confirmation.original_txn_id;
  v_request.amount := v_confirmation.amount;
  v_request.reference := v_confirmation.reference;
  v_request.metadata := v_confirmation.metadata;
  v_request.effective_at := v_confirmation.effective_at;
  if v_confirmation.status = 'confirmed' then
    -- a replay, whatever has become of whoever asked
    v_request.actor := v_owner_id;
    return wallet.result_or_raise(wallet.execute(v_request));
  end if;

  v_request.actor := v_confirmation.actor;
  v_result := wallet.execute_as_operator(v_request);
  update wallet.confirmations c
  set status = 'confirmed', decided_by = p_actor, decided_at = clock_timestamp(), transaction_id = v_result.id
  where c.id = p_id;
  perform wallet.record_action(
    p_actor, 'confirm', null, v_confirmation.wallet_id,
    p_detail => jsonb_build_object('confirmation_id', p_id, 'transaction_id', v_result.id)
  );
  return v_result;
end;
$$;

comment on function public.wallet_confirm(bigint, uuid) is
$$ Operators: confirms another operator's request, which then runs in that operator's name. Returns its transaction, and
again the same with replayed = true. A refusal by the wallet leaves the request waiting.

p_id    of the confirmation
p_actor another operator than the one who asked, and than the wallet's owner; null for an administrator

Errors: WA002 invalid argument; WA027 operators only, also where the one who asked is no operator any more (actor says
whom it is about); WA038 the operator's own request or wallet; WA039 unknown confirmation; WA040 rejected before; and
those of the request: WA003 insufficient funds, WA004 txn_id used meanwhile, WA006, WA012, WA013, WA020. $$;
