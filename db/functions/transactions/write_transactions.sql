-- wallet.write_transaction() for many at once: top-ups and spends, and what comes from other databases. See there.
create or replace function wallet.write_transactions(
  p_created_at timestamptz,
  p_newest_at timestamptz[],
  p_previous bytea[],
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
  p_metadata jsonb[],
  p_key_ids uuid[],
  p_effective_at timestamptz[] default null,
  p_counterparty_ids uuid[] default null
)
returns bytea[]
language plpgsql
volatile
as $$
declare
  v_count constant integer := coalesce(cardinality(p_ids), 0);
  v_salts uuid[] := array_fill(null::uuid, array[v_count]);
  v_details_hashes bytea[] := array_fill(null::bytea, array[v_count]);
  -- the clock is rarely behind an entry, and setting an element costs every item
  v_is_behind constant boolean := coalesce(p_created_at < any (p_newest_at), false);
  v_recorded_at timestamptz[];
  v_hashes bytea[];
  v_described boolean := false;
begin
  for i in 1 .. v_count loop
    if num_nonnulls(p_references[i], p_metadata[i], p_effective_at[i]) > 0 then
      v_described := true;
      v_salts[i] := gen_random_uuid();
      v_details_hashes[i] := wallet.details_hash(v_salts[i], p_references[i], p_metadata[i], p_effective_at[i]);
    end if;
    if v_is_behind then
      v_recorded_at[i] := case when p_newest_at[i] > p_created_at then p_newest_at[i] end;
    end if;
    v_hashes[i] := wallet.entry_hash(
      case when p_wallet_ids[i] = p_wallet_ids[i - 1] then v_hashes[i - 1] else p_previous[i] end,
      p_wallet_ids[i], p_seqs[i], p_ids[i], p_deltas[i], p_balances[i], p_txn_ids[i], p_created_at, p_types[i],
      p_counterparty_ids[i], v_details_hashes[i], v_recorded_at[i]
    );
  end loop;

  with recorded as (
    insert into wallet.transactions (id, seq, amount, created_at, wallet_id, txn_id, type, counterparty_id)
    select i.id, i.seq, i.amount, p_created_at, i.wallet_id, i.txn_id, i.type::wallet.transaction_type,
      i.counterparty_id
    from unnest(p_ids, p_seqs, p_amounts, p_wallet_ids, p_txn_ids, p_types, p_counterparty_ids)
      as i (id, seq, amount, wallet_id, txn_id, type, counterparty_id)
  )
  insert into wallet.ledger (seq, transaction_id, amount, balance_after, wallet_id, hash, recorded_at)
  select i.seq, i.id, i.delta, i.balance, i.wallet_id, i.hash, i.recorded_at
  from unnest(p_ids, p_seqs, p_deltas, p_balances, p_wallet_ids, v_hashes, v_recorded_at)
    as i (id, seq, delta, balance, wallet_id, hash, recorded_at)
  union all
  select i.id, i.id, -i.delta, null, wallet.system_wallet_id(i.asset, i.type), null, null
  from unnest(p_ids, p_deltas, p_assets, p_types) as i (id, delta, asset, type);

  if v_described then
    insert into wallet.transaction_details (transaction_id, reference, metadata, effective_at, salt, hash)
    select i.id, i.reference, i.metadata, i.effective_at, i.salt, i.hash
    from unnest(p_ids, p_references, p_metadata, p_effective_at, v_salts, v_details_hashes)
      as i (id, reference, metadata, effective_at, salt, hash)
    where i.salt is not null;
  end if;
  if p_key_ids is not null then
    insert into wallet.key_uses (id, key_id)
    select i.id, i.key_id
    from unnest(p_ids, p_key_ids) as i (id, key_id)
    where i.key_id is not null;
  end if;
  return v_hashes;
end;
$$;

comment on function wallet.write_transactions(
  timestamptz, timestamptz[], bytea[], bigint[], bigint[], text[], uuid[], uuid[], bigint[], bigint[], bigint[], text[],
  text[], jsonb[], uuid[], timestamptz[], uuid[]
) is
  'Writes transactions that were judged under their wallets'' locks, each with its two entries and its details; returns the hashes of the wallets'' entries. The transactions of one wallet must follow one another.';
