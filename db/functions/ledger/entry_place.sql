create or replace function wallet.entry_place(
  p_wallet_id uuid,
  p_transaction_id bigint
)
returns bigint
language sql
stable
as $$
  select case p_wallet_id
    when t.wallet_id then t.seq
    when t.counterparty_id then (
      select l.seq
      from wallet.ledger l
      where l.wallet_id = p_wallet_id and l.seq = wallet.entry_of(p_wallet_id, t.id) and l.transaction_id = t.id
    )
  end
  from wallet.transactions t
  where t.id = p_transaction_id
$$;

comment on function wallet.entry_place(uuid, bigint) is
  'The seq of the entry that a transaction has in a user wallet which requested it, or received it; null where it has none.';
