create or replace function wallet.described_entries(
  p_wallet_id uuid,
  p_low bigint,
  p_high bigint
)
returns table (
  seq bigint, id bigint, txn_id uuid, type text, amount bigint, balance bigint, reference text, metadata jsonb,
  counterparty_wallet_id uuid, counterparty_username text, effective_at timestamptz, created_at timestamptz
)
language sql
stable
as $$
  select l.seq, t.id, t.txn_id, t.type::text, l.amount, l.balance_after, d.reference, d.metadata, c.id, u.username,
    d.effective_at, t.created_at
  from wallet.ledger l
  join wallet.transactions t on t.id = l.transaction_id
  left join wallet.transaction_details d on d.transaction_id = t.id
  left join wallet.wallets c
    on c.id = case when t.counterparty_id = p_wallet_id then t.wallet_id else t.counterparty_id end
  left join wallet.users u on u.id = c.owner_id
  where l.wallet_id = p_wallet_id and l.seq between p_low and p_high
$$;

comment on function wallet.described_entries(uuid, bigint, bigint) is
  'Entries p_low to p_high of a user wallet with all that is shown of them; counterparty is the other side of a transfer.';
