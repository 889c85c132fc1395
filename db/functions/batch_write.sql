create or replace function wallet.batch_write(
  p_created_at timestamptz,
  p_ids bigint[],
  p_seqs bigint[],
  p_types text[],
  p_wallet_ids uuid[],
  p_txn_ids uuid[],
  p_amounts bigint[],
  p_deltas bigint[],
  p_balances bigint[],
  p_assets text[],
  p_references text[],
  p_metadata jsonb[]
)
returns void
language plpgsql
volatile
as $$
begin
  with recorded as (
    insert into wallet.transactions (id, seq, amount, created_at, wallet_id, txn_id, type)
    select i.id, i.seq, i.amount, p_created_at, i.wallet_id, i.txn_id, i.type::wallet.transaction_type
    from unnest(p_ids, p_seqs, p_amounts, p_wallet_ids, p_txn_ids, p_types) as i (id, seq, amount, wallet_id, txn_id, type)
  )
  insert into wallet.ledger (seq, transaction_id, amount, balance_after, wallet_id)
  select i.seq, i.id, i.delta, i.balance, i.wallet_id
  from unnest(p_ids, p_seqs, p_deltas, p_balances, p_wallet_ids) as i (id, seq, delta, balance, wallet_id)
  union all
  select i.id, i.id, -i.delta, null, wallet.system_wallet_id(i.asset, i.type)
  from unnest(p_ids, p_deltas, p_assets, p_types) as i (id, delta, asset, type);

  insert into wallet.transaction_details (transaction_id, reference, metadata)
  select i.id, i.reference, i.metadata
  from unnest(p_ids, p_references, p_metadata) as i (id, reference, metadata)
  where i.reference is not null or i.metadata is not null;
end;
$$;

comment on function wallet.batch_write(
  timestamptz, bigint[], bigint[], text[], uuid[], uuid[], bigint[], bigint[], bigint[], text[], text[], jsonb[]
) is 'Writes transactions that were judged under their wallets'' locks, each with its two entries and its details.';
