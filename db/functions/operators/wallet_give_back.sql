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
begin
  return wallet.execute_as_operator(row(
    'refund', p_wallet_id, p_txn_id, p_amount,
    p_reference, p_metadata, p_effective_at, p_actor,
    null, p_original_txn_id, null, null
  )::wallet.request);
end;
$$;

comment on function public.wallet_give_back(uuid, uuid, uuid, bigint, text, jsonb, timestamptz, uuid) is
$$ Operators: refunds a spend or capture of any user wallet. Same request, result and errors as wallet_refund(), and WA027 for
an actor who is no operator. $$;
