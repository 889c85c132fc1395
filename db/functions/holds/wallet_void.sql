create or replace function public.wallet_void(
  p_wallet_id uuid,
  p_txn_id uuid,
  p_hold_txn_id uuid,
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
    perform wallet.require_key(p_key_id, 'hold', p_actor);
  end if;
  v_request.type := 'void';
  v_request.wallet_id := p_wallet_id;
  v_request.txn_id := p_txn_id;
  v_request.actor := p_actor;
  v_request.key_id := p_key_id;
  v_request.original_txn_id := p_hold_txn_id;
  return wallet.result_or_raise(wallet.execute(v_request));
end;
$$;

comment on function public.wallet_void(uuid, uuid, uuid, uuid, uuid) is
$$ Releases what is left of a hold; it can never be captured afterwards.
Returns the hold's id and the amount released, with balance and available right after it.

p_txn_id    the client's idempotency key, unique within the wallet: repeating the same request returns the first
            result with replayed = true and writes nothing
p_hold_txn_id the txn_id of the hold
p_actor     the user on whose behalf it is called; null for an administrator alone
p_key_id    the key of a machine that acts for that user; null for none

Errors: WA001 unknown wallet; WA002 invalid argument; WA004 txn_id used for another request;
WA015 hold not found; WA016 already captured; WA017 voided; WA018 expired; WA047 not for this key. $$;
