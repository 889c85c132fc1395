create or replace function public.wallet_spend(
  p_wallet_id uuid,
  p_txn_id uuid,
  p_amount bigint,
  p_reference text default null,
  p_metadata jsonb default null,
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
  return wallet.settle(wallet.post('spend', p_wallet_id, p_txn_id, p_amount, p_reference, p_metadata, p_actor));
end;
$$;

comment on function public.wallet_spend(uuid, uuid, bigint, text, jsonb, uuid) is
$$ Debits a wallet, never below zero: one transaction, two entries that net to zero.

p_txn_id    the client's idempotency key, unique within the wallet: repeating the same request returns the first
            result with replayed = true and writes nothing
p_amount    minor units of the wallet's asset, 1 to 9007199254740991
p_reference free text of 1 to 256 characters; p_metadata a JSON object of at most 4096 bytes; both part of the request
p_actor     the user on whose behalf it is called; required of the service, null for an administrator

Returns the transaction with balance and available right after it.
Errors: WA001 unknown wallet; WA002 invalid argument; WA004 txn_id used for another request; WA003 insufficient funds. $$;
