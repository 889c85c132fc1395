-- One statement, so one snapshot: under load a check that reads twice reports what was never wrong.
create or replace function public.wallet_verify()
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  with entries as (
    select l.*, w.kind, w.asset, w.floor, t.id as owner_transaction_id, t.created_at, t.txn_id, t.type,
      case when t.wallet_id = l.wallet_id then t.counterparty_id else t.wallet_id end as other_wallet_id,
      row_number() over in_wallet as expected_seq,
      sum(l.amount) over in_wallet as expected_balance,
      lag(t.created_at) over in_wallet as created_before,
      lag(l.hash) over in_wallet as previous_hash,
      max(l.seq) over (partition by l.wallet_id) as newest_seq
    from wallet.ledger l
    left join wallet.wallets w on w.id = l.wallet_id
    left join wallet.transactions t on t.id = l.transaction_id
    window in_wallet as (partition by l.wallet_id order by l.seq)
  ),
  transactions_with_asset as (
    select t.*, w.asset
    from wallet.transactions t
    join wallet.wallets w on w.id = t.wallet_id
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
  where l.amount is distinct from case when t.type in ('spend', 'transfer', 'capture') then -t.amount else t.amount end
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
  select 'hash', e.wallet_id, e.seq, e.transaction_id, 'the entry, its transaction or its details are not what was hashed'
  from entries e
  left join wallet.transaction_details d on d.transaction_id = e.transaction_id
  where e.kind = 'user' and (
    e.hash is distinct from wallet.entry_hash(
      e.previous_hash, e.wallet_id, e.seq, e.transaction_id, e.amount, e.balance_after, e.txn_id, e.created_at, e.type::text,
      e.other_wallet_id, d.hash
    )
    or d.hash <> wallet.details_hash(d.salt, d.reference, d.metadata, d.effective_at)
  )
  union all
  select 'floor', e.wallet_id, e.seq, e.transaction_id,
    format('the entries sum to %s, below the floor %s', e.expected_balance, e.floor)
  from entries e
  where e.kind = 'user' and e.seq = e.newest_seq and e.expected_balance < e.floor
  union all
  select 'counterparty', t.wallet_id, t.seq, t.id,
    format('a %s has its other entry in wallet %s', t.type, coalesce(l.wallet_id::text, 'none'))
  from transactions_with_asset t
  left join wallet.ledger l on l.transaction_id = t.id and l.wallet_id <> t.wallet_id
  where l.wallet_id is distinct from coalesce(t.counterparty_id, wallet.system_wallet_id(t.asset, t.type::text))
    or (t.type = 'transfer') <> (t.counterparty_id is not null)
  union all
  select 'hold', h.wallet_id, null, null,
    format('hold %s of %s has captured %s, its captures sum to %s', h.id, h.amount, h.captured, coalesce(c.captured, 0))
  from wallet.holds h
  left join (
    select e.hold_id, sum(t.amount) as captured, bool_and(t.amount = e.amount and t.type = 'capture' and t.wallet_id = e.wallet_id) as agree
    from wallet.hold_events e
    left join wallet.transactions t on t.id = e.transaction_id
    where e.event = 'capture'
    group by e.hold_id
  ) c on c.hold_id = h.id
  where h.captured <> coalesce(c.captured, 0) or not coalesce(c.agree, true)
  union all
  select 'capture', t.wallet_id, t.seq, t.id, 'a capture without a hold'
  from wallet.transactions t
  where t.type = 'capture' and not exists (select from wallet.hold_events e where e.transaction_id = t.id)
  union all
  select 'refund', o.wallet_id, o.seq, o.id, format('refunds of %s for a %s of %s', sum(t.amount), o.type, o.amount)
  from wallet.refunds r
  join wallet.transactions t on t.id = r.transaction_id
  join wallet.transactions o on o.id = r.original_id
  group by o.id
  having sum(t.amount) > o.amount or bool_or(t.wallet_id <> o.wallet_id) or bool_or(t.type <> 'refund') or o.type not in ('spend', 'capture')
  union all
  select 'refund', t.wallet_id, t.seq, t.id, 'a refund without an original'
  from wallet.transactions t
  where t.type = 'refund' and not exists (select from wallet.refunds r where r.transaction_id = t.id)
  union all
  select 'system_entry', e.wallet_id, e.seq, e.transaction_id, 'a system wallet''s entry has seq = transaction_id, no balance_after and no hash'
  from entries e
  where e.kind = 'system' and (e.seq <> e.transaction_id or num_nonnulls(e.balance_after, e.hash) > 0)
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
hash                 an entry, transaction or details that differ from what the wallet's hash chain has
floor                a user wallet whose balance is below its floor
counterparty         a transaction whose other entry is not in the system wallet of its type, or the transfer's recipient
hold                 a hold whose captured amount is not the sum of its captures; capture: a capture without a hold
refund               refunds above their original, of another wallet, or without one
system_entry         a system wallet's entry with a seq, balance or hash of its own

For administrators; safe while the service runs. $$;
