create or replace function public.wallet_verify_entry(
  p_wallet_id uuid,
  p_transaction_id bigint,
  p_receipt text,
  p_actor uuid default null,
  p_key_id uuid default null
)
returns text
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_wallet(p_wallet_id, p_actor, p_key_id);
  if p_transaction_id is null or p_receipt is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'receipt', 'reason', 'transaction_id and receipt must not be null'));
  end if;

  return wallet.judge_receipt(
    p_wallet_id, wallet.entry_place(p_wallet_id, p_transaction_id), p_transaction_id, p_receipt
  );
end;
$$;

comment on function public.wallet_verify_entry(uuid, bigint, text, uuid, uuid) is
$$ Holds the receipt of an entry against what is on record in the wallet, as wallet_verify_receipt() does: 'ok', 'altered',
'rewritten' or 'removed'. The entry can be of a transfer that was received.

p_transaction_id the server's number of the transaction
p_receipt        as wallet_entry() returned it, or the mutation
p_actor          the user on whose behalf it is called; null for an administrator
p_key_id         the key of a machine that acts for that user; null for none

Errors: WA001 unknown wallet; WA002 invalid argument; WA047 not for this key. $$;
