create or replace function public.wallet_set_status(
  p_wallet_id uuid,
  p_status text,
  p_reason text,
  p_actor uuid default null
)
returns table (wallet_id uuid, status text, previous_status text, reason text, changed_at timestamptz)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_wallet wallet.locked_wallet;
  v_in_transit numeric;
  v_changed_at timestamptz;
begin
  perform wallet.require_read_committed();
  perform wallet.require_operator(p_actor);
  if p_status is null or p_status not in ('active', 'frozen', 'closed') then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'status', 'reason', 'must be active, frozen or closed'));
  elsif p_reason is null or length(p_reason) not between 1 and 256 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'reason', 'reason', 'must have 1 to 256 characters'));
  end if;

  perform wallet.require_another((select w.owner_id from wallet.wallets w where w.id = p_wallet_id), p_actor);
  v_wallet := wallet.lock_wallet(p_wallet_id, null, null);
  if v_wallet.asset is null then
    perform wallet.raise_error('WA001', jsonb_build_object('wallet_id', p_wallet_id));
  end if;
  -- what is in transit may come back
  select sum(t.amount) into v_in_transit
  from wallet.outbox o
  join wallet.transactions t on t.id = o.transaction_id
  where o.wallet_id = p_wallet_id and o.status = 'pending';
  if p_status = 'closed' and (v_wallet.balance <> 0 or v_wallet.held <> 0 or v_in_transit is not null) then
    perform wallet.raise_error('WA022', jsonb_build_object(
      'wallet_id', p_wallet_id, 'balance', v_wallet.balance, 'held', v_wallet.held,
      'asset', v_wallet.asset, 'scale', v_wallet.scale
    ) || case when v_in_transit is null then '{}' else jsonb_build_object('in_transit', v_in_transit) end);
  end if;

  perform wallet.end_due_holds(p_wallet_id, v_wallet.created_at);
  update wallet.wallets w set status = p_status where w.id = p_wallet_id;
  v_changed_at := wallet.record_action(
    p_actor, 'status', null, p_wallet_id,
    p_detail => jsonb_build_object('from', v_wallet.status, 'to', p_status, 'reason', p_reason)
  );
  perform wallet.record_account_event(
    'wallet.status_changed', w.owner_id, p_wallet_id, jsonb_build_object('status', p_status, 'previous_status', v_wallet.status)
  )
  from wallet.wallets w
  where w.id = p_wallet_id and w.kind = 'user';
  return query select p_wallet_id, p_status, v_wallet.status, p_reason, v_changed_at;
end;
$$;

comment on function public.wallet_set_status(uuid, text, text, uuid) is
$$ Operators: sets a wallet's status and records who, when and why.

p_status active; frozen: refuses new debits, holds and captures, allows credits, void and expiry; closed: refuses all,
         only with a balance of zero, no open holds and nothing in transit. Replays still answer
p_reason 1 to 256 characters, mandatory
p_actor  the operator; null for an administrator

Errors: WA001 unknown wallet; WA002 invalid argument; WA022 not empty; WA027 operators only; WA038 the operator's own
wallet. $$;
