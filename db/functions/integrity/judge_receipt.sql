create or replace function wallet.judge_receipt(
  p_wallet_id uuid,
  p_seq bigint,
  p_transaction_id bigint,
  p_receipt text
)
returns text
language plpgsql
stable
as $$
declare
  v_entry record;
begin
  select l.hash,
    wallet.entry_hash(
      before.hash, l.wallet_id, l.seq, l.transaction_id, l.amount, l.balance_after, t.txn_id, t.created_at,
      t.type::text, case when t.counterparty_id = l.wallet_id then t.wallet_id else t.counterparty_id end, d.hash,
      l.recorded_at
    ) as expected,
    d.hash <> wallet.details_hash(d.salt, d.reference, d.metadata, d.effective_at) as has_other_details
  into v_entry
  from wallet.transactions t
  join wallet.ledger l on l.wallet_id = p_wallet_id and l.seq = p_seq
  left join wallet.ledger before on before.wallet_id = l.wallet_id and before.seq = l.seq - 1
  left join wallet.transaction_details d on d.transaction_id = t.id
  where t.id = p_transaction_id;
  return case
    when not found then 'removed'
    when encode(v_entry.hash, 'hex') <> lower(p_receipt) then 'rewritten'
    when v_entry.hash is null or v_entry.expected is distinct from v_entry.hash or v_entry.has_other_details then 'altered'
    else 'ok'
  end;
end;
$$;

comment on function wallet.judge_receipt(uuid, bigint, bigint, text) is
  'Holds the receipt of entry p_seq of a user wallet, which is of this transaction, against what is on record, as wallet_verify_receipt() says.';
