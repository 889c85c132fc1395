-- A function of its own, so that the planner expects many rows and joins them by hash, not in nested loops.
create or replace function wallet.batch_items(
  p_types text[],
  p_wallet_ids uuid[],
  p_txn_ids uuid[],
  p_amounts bigint[],
  p_references text[],
  p_metadata jsonb[],
  p_actors uuid[],
  p_to_wallet_ids uuid[],
  p_original_txn_ids uuid[],
  p_finals boolean[],
  p_expires_in integer[],
  p_effective_at timestamptz[],
  p_to_usernames text[]
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
  actor uuid,
  is_simple boolean
)
language sql
volatile
rows 1000
as $$
  select i.place::integer, i.type, i.wallet_id, i.txn_id, i.amount,
    case i.type when 'topup' then i.amount when 'spend' then -i.amount end,
    i.reference, i.metadata, i.actor,
    coalesce(i.type in ('topup', 'spend'), false)
    and num_nonnulls(i.to_wallet_id, i.original_txn_id, i.final, i.expires_in, i.effective_at, i.to_username) = 0
  from unnest(
    p_types, p_wallet_ids, p_txn_ids, p_amounts, p_references, p_metadata, p_actors,
    p_to_wallet_ids, p_original_txn_ids, p_finals, p_expires_in, p_effective_at, p_to_usernames
  ) with ordinality as i (
    type, wallet_id, txn_id, amount, reference, metadata, actor,
    to_wallet_id, original_txn_id, final, expires_in, effective_at, to_username, place
  )
  where i.amount between 1 and wallet.max_amount() or (i.amount is null and i.type not in ('topup', 'spend'))
$$;

comment on function wallet.batch_items(
  text[], uuid[], uuid[], bigint[], text[], jsonb[], uuid[], uuid[], uuid[], boolean[], integer[], timestamptz[], text[]
) is
  'The requests of a batch as rows, those with an impossible amount left out; delta is the amount signed by type; simple ones are plain top-ups and spends.';
