-- The rows of top-ups, with nothing looked up, locked, checked or hashed.
with requests as materialized (
  select
    nextval('bench.transaction_ids') as id, 100::bigint as amount, gen_random_uuid() as txn_id,
    ('00000000-0000-0000-0000-0000000' || floor(random() * 10000)::integer + 10000)::uuid as wallet_id
  from generate_series(1, :size)
),
recorded as (
  insert into bench.transactions (id, seq, amount, created_at, wallet_id, txn_id, type)
  select r.id, r.id, r.amount, clock_timestamp(), r.wallet_id, r.txn_id, 'topup'
  from requests r
)
insert into bench.ledger (seq, transaction_id, amount, balance_after, wallet_id, hash)
select r.id, r.id, r.amount, r.id, r.wallet_id, '\x0000000000000000000000000000000000000000000000000000000000000000'::bytea
from requests r
union all
select r.id, r.id, -r.amount, null, '00000000-0000-0000-0000-000000000001', null
from requests r;
