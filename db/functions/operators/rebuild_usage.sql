create or replace function wallet.rebuild_usage(
  p_wallet_id uuid,
  p_at timestamptz
)
returns void
language plpgsql
volatile
as $$
begin
  delete from wallet.limit_usage u where u.wallet_id = p_wallet_id;
  insert into wallet.limit_usage (wallet_id, kind, hour, amount)
  select p_wallet_id, wallet.limit_kind(t.type::text), date_trunc('hour', t.created_at, 'UTC'), sum(t.amount)
  from wallet.ledger l
  join wallet.transactions t on t.id = l.transaction_id and t.wallet_id = l.wallet_id
  join wallet.wallets w on w.id = l.wallet_id and w.has_limits
  where l.wallet_id = p_wallet_id and l.seq > wallet.entries_before(p_wallet_id, p_at - interval '721 hours')
    and wallet.limit_kind(t.type::text) is not null
    and not exists (select from wallet.outbox o where o.transaction_id = t.id and o.status = 'returned')
  group by 2, 3;
end;
$$;

comment on function wallet.rebuild_usage(uuid, timestamptz) is
  'Counts anew what moved in each hour of the last 30 days of a wallet that has limits, and forgets it for one that has none.';
