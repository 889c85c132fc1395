create or replace function public.wallet_transfer(
  p_wallet_id uuid,
  p_txn_id uuid,
  p_amount bigint,
  p_to_wallet_id uuid default null,
  p_to_username text default null,
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
    perform wallet.require_key(p_key_id, 'transfer', p_actor);
  end if;
  v_request.type := 'transfer';
  v_request.wallet_id := p_wallet_id;
  v_request.txn_id := p_txn_id;
  v_request.amount := p_amount;
  v_request.reference := p_reference;
  v_request.metadata := p_metadata;
  v_request.effective_at := p_effective_at;
  v_request.actor := p_actor;
  v_request.key_id := p_key_id;
  v_request.to_wallet_id := p_to_wallet_id;
  return wallet.result_or_raise(wallet.execute(v_request, p_to_username));
end;
$$;

comment on function public.wallet_transfer(uuid, uuid, bigint, uuid, text, text, jsonb, timestamptz, uuid, uuid) is
$$ Moves money to another user's wallet of the same asset: one transaction, an entry in each wallet.
Returns the transaction with the sender's balance and available right after it.

p_txn_id    the sender's idempotency key, unique within the sender's wallet: repeating the same request returns the
            first result with replayed = true and writes nothing
p_amount    minor units of the wallet's asset, 1 to 9007199254740991
p_to_wallet_id, p_to_username  exactly one: the recipient's wallet, or the recipient, whose wallet of the same asset
            it is
p_reference free text of 1 to 256 characters; p_metadata a JSON object of at most 4096 bytes
p_effective_at when it happened in the client's world, not in the future: shown, never computed with
p_actor     the user on whose behalf it is called; null for an administrator alone
p_key_id    the key of a machine that acts for that user; null for none

Errors: WA001 unknown wallet; WA002 invalid argument; WA003 insufficient funds; WA004 txn_id used for another request;
WA006 the recipient's balance limit; WA009 unknown recipient; WA010 same wallet; WA011 other asset; WA012 frozen;
WA013 closed; WA014 limit; WA023 effective_at in the future; WA047 not for this key. $$;
