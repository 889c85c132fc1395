create or replace function public.wallet_capture(
  p_wallet_id uuid,
  p_txn_id uuid,
  p_hold_txn_id uuid,
  p_amount bigint default null,
  p_final boolean default false,
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
    perform wallet.require_key(p_key_id, 'hold', p_actor);
  end if;
  v_request.type := 'capture';
  v_request.wallet_id := p_wallet_id;
  v_request.txn_id := p_txn_id;
  v_request.amount := p_amount;
  v_request.reference := p_reference;
  v_request.metadata := p_metadata;
  v_request.effective_at := p_effective_at;
  v_request.actor := p_actor;
  v_request.key_id := p_key_id;
  v_request.original_txn_id := p_hold_txn_id;
  v_request.final := coalesce(p_final, false);
  return wallet.result_or_raise(wallet.execute(v_request));
end;
$$;

comment on function public.wallet_capture(uuid, uuid, uuid, bigint, boolean, text, jsonb, timestamptz, uuid, uuid) is
$$ Takes what a hold set aside: one transaction, two entries. Returns the transaction with balance and available right
after it.

p_txn_id    the client's idempotency key, unique within the wallet: repeating the same request returns the first
            result with replayed = true and writes nothing
p_hold_txn_id the txn_id of the hold
p_amount    minor units, at most what is left of the hold; null takes all that is left and closes it
p_final     release what the capture leaves instead of keeping the hold open
p_reference free text of 1 to 256 characters; p_metadata a JSON object of at most 4096 bytes
p_effective_at when it happened in the client's world, not in the future: shown, never computed with
p_actor     the user on whose behalf it is called; null for an administrator alone
p_key_id    the key of a machine that acts for that user; null for none

Errors: WA001 unknown wallet; WA002 invalid argument; WA004 txn_id used for another request; WA012 frozen; WA013 closed;
WA014 limit; WA015 hold not found; WA016 already captured; WA017 voided; WA018 expired; WA019 above the hold; WA023;
WA047 not for this key. $$;
