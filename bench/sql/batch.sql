-- The requests are made on the server, as in bulk.sql, so that the client costs nothing in either.
\set first 10000 + :client_id * :step
with numbers as materialized (
  select floor(random() * :width)::integer + :first::integer as n from generate_series(1, :size)
),
requests as (
  select
    array_agg('topup'::text) as types,
    array_agg(('00000000-0000-0000-0000-0000000' || n)::uuid) as wallet_ids,
    array_agg(gen_random_uuid()) as txn_ids,
    array_agg(100::bigint) as amounts,
    array_agg(('00000000-0000-0000-0001-0000000' || n)::uuid) as actors
  from numbers
)
select b.*
from requests r, wallet_batch(r.types, r.wallet_ids, r.txn_ids, r.amounts, null, null, r.actors) b;
