create or replace function wallet.verify_usage()
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language sql
stable
as $$
  select 'limit_usage', w.id, null::bigint, null::bigint,
    format('%s counted as %s in the hour from %s where %s moved', d.counted, d.kind, d.hour, d.moved)
  from wallet.wallets w
  cross join lateral (
    -- operators' limits count what moved in the 30 days before them, and so far back the clock may have stood elsewhere
    select date_trunc('hour', greatest(max(a.created_at), statement_timestamp()) - interval '720 hours', 'UTC') as since
    from wallet.operator_actions a
    where a.wallet_id = w.id and a.action = 'limits'
  ) a
  cross join lateral (
    select kind, hour, coalesce(c.amount, 0) as counted, coalesce(m.amount, 0) as moved
    from (
      select u.kind, u.hour, u.amount
      from wallet.limit_usage u
      where u.wallet_id = w.id and u.hour >= a.since
    ) c
    full join (
      select wallet.limit_kind(t.type::text) as kind, date_trunc('hour', t.created_at, 'UTC') as hour, sum(t.amount) as amount
      from wallet.ledger l
      join wallet.transactions t on t.id = l.transaction_id and t.wallet_id = l.wallet_id
      where l.wallet_id = w.id and t.created_at >= a.since and wallet.limit_kind(t.type::text) is not null
        and not exists (select from wallet.outbox o where o.transaction_id = t.id and o.status = 'returned')
      group by 1, 2
    ) m using (kind, hour)
  ) d
  where w.has_limits and d.counted <> d.moved
  union all
  select 'limit_usage', u.wallet_id, null, null, format('%s counted in the hour from %s, and the wallet has no limits', u.amount, u.hour)
  from wallet.limit_usage u
  join wallet.wallets w on w.id = u.wallet_id
  where not w.has_limits
$$;

comment on function wallet.verify_usage() is 'What counts against limits and is not what moved: limit_usage of wallet_verify().';
