create or replace function public.wallet_verify_receipt(
  p_wallet_id uuid,
  p_txn_id uuid,
  p_receipt text,
  p_actor uuid default null
)
returns text
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_transaction_id bigint;
  v_seq bigint;
begin
  perform wallet.require_wallet(p_wallet_id, p_actor, null);
  if p_txn_id is null or p_receipt is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'receipt', 'reason', 'txn_id and receipt must not be null'));
  end if;

  select t.id, t.seq into v_transaction_id, v_seq
  from wallet.transactions t
  where t.wallet_id = p_wallet_id and t.txn_id = p_txn_id;
  return wallet.judge_receipt(p_wallet_id, v_seq, v_transaction_id, p_receipt);
end;
$$;

comment on function public.wallet_verify_receipt(uuid, uuid, text, uuid) is
$$ Holds the receipt of a transaction against what is on record in the wallet.

ok        the transaction is on record as it was answered; where wallet_verify() finds nothing, so is all before it
altered   the entry, its transaction or its details were changed
rewritten the transaction is there with another hash: it, or something before it, was written anew
removed   the wallet has no such transaction any more

p_actor the user on whose behalf it is called; null for an administrator

Errors: WA001 unknown wallet; WA002 invalid argument. $$;
