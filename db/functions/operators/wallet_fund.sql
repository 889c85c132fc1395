create or replace function public.wallet_fund(
  p_wallet_id uuid,
  p_txn_id uuid,
  p_amount bigint,
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
    'topup', p_wallet_id, p_txn_id, p_amount,
    p_reference, p_metadata, p_effective_at, p_actor,
    null, null, null, null
  )::wallet.request);
end;
$$;

comment on function public.wallet_fund(uuid, uuid, bigint, text, jsonb, timestamptz, uuid) is
$$ Operators: tops up any user wallet, as for a payment provider's confirmation. Same request, result and errors as
wallet_topup(), and WA027 for an actor who is no operator. $$;
