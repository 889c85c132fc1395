-- A function of its own so that the planner expects many rows: it joins them by hash, not in nested loops.
create or replace function wallet.batch_items(
  p_types text[],
  p_wallet_ids uuid[],
  p_txn_ids uuid[],
  p_amounts bigint[],
  p_references text[],
  p_metadata jsonb[],
  p_actors uuid[]
)
returns table (
  ordinal integer,
  type text,
  wallet_id uuid,
  txn_id uuid,
  amount bigint,
  delta bigint,
  reference text,
  metadata jsonb,
  actor uuid
)
language sql
volatile
rows 1000
as $$
  select i.place::integer, i.type, i.wallet_id, i.txn_id, i.amount, case i.type when 'spend' then -i.amount else i.amount end,
    i.reference, i.metadata, i.actor
  from unnest(p_types, p_wallet_ids, p_txn_ids, p_amounts, p_references, p_metadata, p_actors)
    with ordinality as i (type, wallet_id, txn_id, amount, reference, metadata, actor, place)
  where i.amount between 1 and 9007199254740991
$$;

comment on function wallet.batch_items(text[], uuid[], uuid[], bigint[], text[], jsonb[], uuid[]) is
  'The requests of a batch as rows, those with an impossible amount left out; delta is the amount signed by type.';
