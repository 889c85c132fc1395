create or replace function wallet.described_confirmation(
  p_confirmation wallet.confirmations
)
returns wallet.described_confirmation
language plpgsql
stable
as $$
declare
  v_described wallet.described_confirmation;
begin
  select c.id, c.type, c.wallet_id, c.txn_id, c.original_txn_id, c.amount, c.expected, a.code as asset, a.scale, c.reference,
    c.metadata, c.effective_at, c.actor, c.created_at, c.status, c.decided_by, c.decided_at, c.reason, c.transaction_id
  into v_described
  from (select (p_confirmation).*) c
  join wallet.wallets w on w.id = c.wallet_id
  join wallet.assets a on a.code = w.asset;
  return v_described;
end;
$$;

comment on function wallet.described_confirmation(wallet.confirmations) is 'A confirmation with the asset of its amounts.';
