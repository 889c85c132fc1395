-- Each `limit 1` is for the planner: it keeps a plan that was made for small tables from reading whole tables to join
-- them.
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
  select l.seq, t.id, t.txn_id, case when t.type = 'received' then 'transfer' else t.type::text end, l.amount,
    l.balance_after, d.reference, d.metadata, o.id, c.username, d.effective_at, coalesce(l.recorded_at, t.created_at)
  from wallet.ledger l
  cross join lateral (
    select *
    from wallet.transactions
    where id = l.transaction_id
    limit 1
  ) t
  left join lateral (
    select *
    from wallet.transaction_details
    where transaction_id = l.transaction_id
    limit 1
  ) d on true
  cross join lateral (
    select case when t.counterparty_id = p_wallet_id then t.wallet_id else t.counterparty_id end
  ) as o (id)
  left join lateral (
    select (select u.username from wallet.users u where u.id = w.owner_id) as username
    from wallet.wallets w
    where w.id = o.id
    limit 1
  ) c on true
  where l.wallet_id = p_wallet_id and l.seq between p_low and p_high
$$;

comment on function wallet.described_entries(uuid, bigint, bigint) is
  'Entries p_low to p_high of a user wallet with all that is shown of them; counterparty is the other side of a transfer, without a name where another database has it.';
