create or replace function public.wallet_give_back(
  p_wallet_id uuid,
  p_txn_id uuid,
  p_original_txn_id uuid,
  p_amount bigint default null,
  p_reference text default null,
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
  v_request.type := 'refund';
  v_request.wallet_id := p_wallet_id;
  v_request.txn_id := p_txn_id;
  v_request.amount := p_amount;
  v_request.reference := p_reference;
  v_request.metadata := p_metadata;
  v_request.effective_at := p_effective_at;
  v_request.actor := p_actor;
  v_request.original_txn_id := p_original_txn_id;
  return wallet.execute_as_operator(v_request);
end;
$$;

comment on function public.wallet_give_back(uuid, uuid, uuid, bigint, text, jsonb, timestamptz, uuid) is
$$ Operators: refunds a spend or capture of any user wallet. Same request, result and errors as wallet_refund(), and
WA027 for an actor who is no operator. $$;
