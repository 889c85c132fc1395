-- One statement, so one snapshot: under load a check that reads twice reports what was never wrong.
create or replace function public.wallet_verify()
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  with entries as (
    select l.*, w.kind, w.asset, w.purpose, t.id as owner_transaction_id, t.created_at,
      row_number() over in_wallet as expected_seq,
      sum(l.amount) over in_wallet as expected_balance,
      lag(t.created_at) over in_wallet as created_before
    from wallet.ledger l
    left join wallet.wallets w on w.id = l.wallet_id
    left join wallet.transactions t on t.id = l.transaction_id
    window in_wallet as (partition by l.wallet_id order by l.seq)
  ),
  totals as (
    select e.transaction_id, count(*) as entries, sum(e.amount) as net, count(distinct e.asset) as assets
    from entries e
    group by e.transaction_id
  )
  select 'transaction_entries', t.wallet_id, t.seq, t.id,
    format('%s entries in %s assets, net %s; expected 2 entries in 1 asset, net 0', coalesce(s.entries, 0), coalesce(s.assets, 0), s.net)
  from wallet.transactions t
  left join totals s on s.transaction_id = t.id
  where s.transaction_id is null or s.entries <> 2 or s.net <> 0 or s.assets <> 1
  union all
  select 'transaction_amount', t.wallet_id, t.seq, t.id,
    format('a %s of %s has the entry %s at its place in the wallet', t.type, t.amount, coalesce(l.amount::text, 'of another transaction'))
  from wallet.transactions t
  left join wallet.ledger l on l.wallet_id = t.wallet_id and l.seq = t.seq and l.transaction_id = t.id
  where l.amount is distinct from case t.type when 'spend' then -t.amount else t.amount end
  union all
  select 'entry_transaction', e.wallet_id, e.seq, e.transaction_id, 'the entry''s transaction does not exist'
  from entries e
  where e.owner_transaction_id is null
  union all
  select 'entry_wallet', e.wallet_id, e.seq, e.transaction_id, 'the entry''s wallet does not exist'
  from entries e
  where e.kind is null
  union all
  select 'sequence', e.wallet_id, e.seq, e.transaction_id, format('seq %s where %s was expected', e.seq, e.expected_seq)
  from entries e
  where e.kind = 'user' and e.seq <> e.expected_seq
  union all
  select 'running_balance', e.wallet_id, e.seq, e.transaction_id,
    format('balance_after %s where the entries sum to %s', coalesce(e.balance_after::text, 'null'), e.expected_balance)
  from entries e
  where e.kind = 'user' and e.balance_after is distinct from e.expected_balance
  union all
  select 'created_at', e.wallet_id, e.seq, e.transaction_id, format('created at %s, before its predecessor at %s', e.created_at, e.created_before)
  from entries e
  where e.kind = 'user' and e.created_at < e.created_before
  union all
  select 'floor', e.wallet_id, e.seq, e.transaction_id, format('the entries sum to %s, below the floor 0', e.expected_balance)
  from entries e
  where e.kind = 'user' and e.expected_balance < 0
  union all
  select 'system_entry', e.wallet_id, e.seq, e.transaction_id, 'a system wallet''s entry has seq = transaction_id and no balance_after'
  from entries e
  where e.kind = 'system' and (e.seq <> e.transaction_id or e.balance_after is not null)
  order by 4, 2, 3, 1
$$;

comment on function public.wallet_verify() is
$$ One row per violation of the ledger's rules, none when all is well. Reads the whole ledger in one snapshot.

transaction_entries  a transaction without exactly two entries in one asset that net to zero
transaction_amount   a transaction whose entry in its wallet is not its amount, signed by its type
entry_transaction    an entry whose transaction does not exist; entry_wallet: whose wallet does not exist
sequence             a gap or repetition in a user wallet's seq
running_balance      a balance_after that is not the sum of the entries up to it
created_at           an entry recorded before its predecessor
floor                a user wallet below zero
system_entry         a system wallet's entry with a seq or balance of its own

For administrators; safe while the service runs. $$;
