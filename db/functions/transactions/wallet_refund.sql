create or replace function public.wallet_refund(
  p_wallet_id uuid,
  p_txn_id uuid,
  p_original_txn_id uuid,
  p_amount bigint default null,
  p_reference text default null,
  p_metadata jsonb default null,
  p_effective_at timestamptz default null,
  p_actor uuid default null,
  p_key_id uuid default null
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
  if p_key_id is not null then
    perform wallet.require_key(p_key_id, 'refund', p_actor);
  end if;
  v_request.type := 'refund';
  v_request.wallet_id := p_wallet_id;
  v_request.txn_id := p_txn_id;
  v_request.amount := p_amount;
  v_request.reference := p_reference;
  v_request.metadata := p_metadata;
  v_request.effective_at := p_effective_at;
  v_request.actor := p_actor;
  v_request.key_id := p_key_id;
  v_request.original_txn_id := p_original_txn_id;
  return wallet.result_or_raise(wallet.execute(v_request));
end;
$$;

comment on function public.wallet_refund(uuid, uuid, uuid, bigint, text, jsonb, timestamptz, uuid, uuid) is
$$ Gives a spend or capture back to the wallet, in parts if need be: never more than it took. Returns the transaction
with balance and available right after it.

p_txn_id    the client's idempotency key, unique within the wallet: repeating the same request returns the first
            result with replayed = true and writes nothing
p_original_txn_id the txn_id of the spend or capture
p_amount    minor units, at most what is left to refund; null is all that is left
p_reference free text of 1 to 256 characters; p_metadata a JSON object of at most 4096 bytes
p_effective_at when it happened in the client's world, not in the future: shown, never computed with
p_actor     the user on whose behalf it is called; null for an administrator alone
p_key_id    the key of a machine that acts for that user; null for none

Errors: WA001 unknown wallet; WA002 invalid argument; WA004 txn_id used for another request; WA013 closed;
WA006 balance limit; WA020 above what is left; WA021 not refundable; WA023; WA028 unknown transaction;
WA047 not for this key. $$;
