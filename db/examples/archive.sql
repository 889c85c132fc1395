-- A year's entries copied out, with what proves the copy: each entry's hash covers the one before it in its wallet.
\set QUIET on
begin;
select date_trunc('year', now()) as from, date_trunc('year', now()) + interval '1 year' as until \gset
select user_id, wallet_id from wallet_register('example-customer', 'no password: this one never signs in') \gset
select type, amount, balance from wallet_topup(:'wallet_id', gen_random_uuid(), 500, 'card 4711');
select type, amount, balance from wallet_spend(:'wallet_id', gen_random_uuid(), 120, 'order 1');

\echo The archive: entries of the wallets of users, each with its transaction and the hash of the entry before.
create temporary table archive as
select e.wallet_id, e.seq, e.transaction_id, t.type::text, t.txn_id, e.amount, e.balance_after, t.created_at, e.recorded_at,
  case when t.wallet_id = e.wallet_id then t.counterparty_id else t.wallet_id end as other_wallet_id,
  d.hash as details_hash, e.hash, p.hash as previous_hash
from wallet.ledger e
join wallet.transactions t on t.id = e.transaction_id
left join wallet.transaction_details d on d.transaction_id = e.transaction_id
left join wallet.ledger p on p.wallet_id = e.wallet_id and p.seq = e.seq - 1
where e.hash is not null and t.created_at >= :'from' and t.created_at < :'until';

-- To a file, for wherever the archive is kept:
-- \copy (select * from archive order by wallet_id, seq) to 'entries.csv' with (format csv, header)

\echo Its proof needs the archive alone: every hash is right, and the first of a wallet follows the archive of before.
create function pg_temp.wrong() returns bigint language sql as $$
  select count(*)
  from (
    select a.*, lag(a.hash) over (partition by a.wallet_id order by a.seq) as hash_before,
      lag(a.seq) over (partition by a.wallet_id order by a.seq) as seq_before
    from archive a
  ) a
  where a.hash <> wallet.entry_hash(
      a.previous_hash, a.wallet_id, a.seq, a.transaction_id, a.amount, a.balance_after, a.txn_id, a.created_at, a.type,
      a.other_wallet_id, a.details_hash, a.recorded_at
    )
    or a.previous_hash <> a.hash_before or a.seq <> a.seq_before + 1
$$;
select pg_temp.wrong() as wrong;

\echo A copy that somebody changed, and one in which a row is missing:
savepoint true_copy;
update archive set amount = amount + 1 where wallet_id = :'wallet_id' and seq = 2;
select pg_temp.wrong() as wrong;
rollback to true_copy;
delete from archive where wallet_id = :'wallet_id' and seq = 2;
select pg_temp.wrong() as wrong;
rollback to true_copy;

\echo The ledger has the newest hash of the archive still: the archive is of this ledger.
select count(*) as wrong
from (
  select distinct on (a.wallet_id) a.wallet_id, a.seq, a.hash
  from archive a
  order by a.wallet_id, a.seq desc
) a
left join wallet.ledger e on e.wallet_id = a.wallet_id and e.seq = a.seq
where e.hash is distinct from a.hash;

rollback;
