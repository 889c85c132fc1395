create or replace function public.wallet_adjust(
  p_wallet_id uuid,
  p_txn_id uuid,
  p_amount bigint,
  p_reason text,
  p_metadata jsonb default null,
  p_effective_at timestamptz default null,
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
  v_request wallet.request;
begin
  -- of the service and administrators what is on record is answered first
  if not wallet.is_believed() then
    perform wallet.require_operator(p_actor);
  end if;
  v_request.type := 'adjustment';
  v_request.wallet_id := p_wallet_id;
  v_request.txn_id := p_txn_id;
  v_request.amount := p_amount;
  v_request.reference := p_reason;
  v_request.metadata := p_metadata;
  v_request.effective_at := p_effective_at;
  v_request.actor := p_actor;
  return wallet.execute_as_operator(v_request);
end;
$$;

comment on function public.wallet_adjust(uuid, uuid, bigint, text, jsonb, timestamptz, uuid) is
$$ Operators: corrects a balance by a transaction against the adjustments account. Returns it with the balance right
after it.

p_txn_id    idempotency key, unique within the wallet
p_amount    minor units, positive credits and negative debits, not beyond ±9007199254740991
p_reason    1 to 256 characters, mandatory: kept as the transaction's reference
p_actor     the operator; null for an administrator

Errors: WA001 unknown wallet; WA002 invalid argument; WA003 insufficient funds; WA004 txn_id used for another request;
WA006 balance limit; WA012 frozen; WA013 closed; WA023 effective_at in the future; WA027 operators only. $$;
