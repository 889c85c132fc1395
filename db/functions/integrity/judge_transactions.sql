-- No index leads from a transaction to its entries, so this reads all of them: temporary space grows with what is
-- judged.
create or replace function wallet.judge_transactions(
  p_ids bigint[]
)
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language sql
stable
set enable_seqscan = on
set enable_hashjoin = on
set enable_sort = on
as $$
  with judged as (
    select t.*, w.asset
    from wallet.transactions t
    left join wallet.wallets w on w.id = t.wallet_id
    where p_ids is null or t.id in (select i.id from unnest(p_ids) as i (id))
  ),
  entries as (
    select l.*, w.asset
    from wallet.ledger l
    left join wallet.wallets w on w.id = l.wallet_id
    where p_ids is null or l.transaction_id in (select i.id from unnest(p_ids) as i (id))
  ),
  totals as (
    select e.transaction_id, count(*) as entries, sum(e.amount) as net, count(distinct e.asset) as assets
    from entries e
    group by e.transaction_id
  )
  select 'transaction_entries', t.wallet_id, t.seq, t.id,
    format('%s entries in %s assets, net %s; expected 2 entries in 1 asset, net 0', coalesce(s.entries, 0), coalesce(s.assets, 0), s.net)
  from judged t
  left join totals s on s.transaction_id = t.id
  where s.transaction_id is null or s.entries <> 2 or s.net <> 0 or s.assets <> 1
  union all
  select 'transaction_amount', t.wallet_id, t.seq, t.id,
    format('a %s of %s has the entry %s at its place in the wallet', t.type, t.amount, coalesce(l.amount::text, 'of another transaction'))
  from judged t
  left join entries l on l.wallet_id = t.wallet_id and l.seq = t.seq and l.transaction_id = t.id
  where l.amount is distinct from case when t.type in ('spend', 'transfer', 'capture') then -t.amount::numeric else t.amount end
  union all
  select 'counterparty', t.wallet_id, t.seq, t.id,
    format('a %s has its other entry in wallet %s', t.type, coalesce(l.wallet_id::text, 'none'))
  from judged t
  left join entries l on l.transaction_id = t.id and l.wallet_id <> t.wallet_id
  where t.asset is not null and (
    l.wallet_id is distinct from wallet.other_wallet_id(t.type::text, t.counterparty_id, t.asset)
    or (t.type in ('transfer', 'received', 'returned')) <> (t.counterparty_id is not null)
  )
  order by 4, 2, 3, 1
$$;

comment on function wallet.judge_transactions(bigint[]) is
  'What is wrong with the entries of these transactions, null for all: transaction_entries, transaction_amount and counterparty of wallet_verify().';
