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
  v_entry record;
begin
  perform wallet.require_wallet(p_wallet_id, p_actor);
  if p_txn_id is null or p_receipt is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'receipt', 'reason', 'txn_id and receipt must not be null'));
  end if;

  select l.hash,
    wallet.entry_hash(
      before.hash, l.wallet_id, l.seq, l.transaction_id, l.amount, l.balance_after, t.txn_id, t.created_at,
      t.type::text, t.counterparty_id, d.hash, l.recorded_at
    ) as expected,
    d.hash <> wallet.details_hash(d.salt, d.reference, d.metadata, d.effective_at) as has_other_details
  into v_entry
  from wallet.transactions t
  join wallet.ledger l on l.wallet_id = t.wallet_id and l.seq = t.seq
  left join wallet.ledger before on before.wallet_id = l.wallet_id and before.seq = l.seq - 1
  left join wallet.transaction_details d on d.transaction_id = t.id
  where t.wallet_id = p_wallet_id and t.txn_id = p_txn_id;
  return case
    when not found then 'removed'
    when encode(v_entry.hash, 'hex') <> lower(p_receipt) then 'rewritten'
    when v_entry.hash is null or v_entry.expected is distinct from v_entry.hash or v_entry.has_other_details then 'altered'
    else 'ok'
  end;
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
