create or replace function public.wallet_spend(
  p_wallet_id uuid,
  p_txn_id uuid,
  p_amount bigint,
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
  v_result wallet.transaction_result;
begin
  if p_key_id is not null then
    perform wallet.require_key(p_key_id, 'spend', p_actor);
  end if;
  if p_effective_at is null then
    v_result := wallet.post_plain(
      'spend', p_wallet_id, p_txn_id, p_amount, p_reference, p_metadata, p_actor, p_key_id
    );
    if v_result.id is not null then
      return v_result;
    end if;
  end if;
  v_request.type := 'spend';
  v_request.wallet_id := p_wallet_id;
  v_request.txn_id := p_txn_id;
  v_request.amount := p_amount;
  v_request.reference := p_reference;
  v_request.metadata := p_metadata;
  v_request.effective_at := p_effective_at;
  v_request.actor := p_actor;
  v_request.key_id := p_key_id;
  return wallet.result_or_raise(wallet.execute(v_request));
end;
$$;

comment on function public.wallet_spend(uuid, uuid, bigint, text, jsonb, timestamptz, uuid, uuid) is
$$ Debits a wallet, never below its floor: one transaction, two entries. Returns the transaction with balance and
available right after it.

p_txn_id    the client's idempotency key, unique within the wallet: repeating the same request returns the first
            result with replayed = true and writes nothing
p_amount    minor units of the wallet's asset, 1 to 9007199254740991
p_reference free text of 1 to 256 characters; p_metadata a JSON object of at most 4096 bytes
p_effective_at when it happened in the client's world, not in the future: shown, never computed with
p_actor     the user on whose behalf it is called; null for an administrator alone
p_key_id    the key of a machine that acts for that user; null for none

Errors: WA001 unknown wallet; WA002 invalid argument; WA004 txn_id used for another request; WA012 frozen; WA013 closed;
WA003 insufficient funds; WA014 limit; WA023 effective_at in the future; WA047 not for this key. $$;
