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
    select p_ids[i], p_seqs[i], p_amounts[i], p_created_at, p_wallet_ids[i], p_txn_ids[i],
      p_types[i]::wallet.transaction_type, p_counterparty_ids[i]
    from generate_series(1, v_count) as i
  )
  insert into wallet.ledger (seq, transaction_id, amount, balance_after, wallet_id, hash, recorded_at)
  select p_seqs[i], p_ids[i], p_deltas[i], p_balances[i], p_wallet_ids[i], v_hashes[i], v_recorded_at[i]
  from generate_series(1, v_count) as i
  union all
  select p_ids[i], p_ids[i], -p_deltas[i], null, wallet.system_wallet_id(p_assets[i], p_types[i]), null, null
  from generate_series(1, v_count) as i;

  if v_described then
    insert into wallet.transaction_details (transaction_id, reference, metadata, effective_at, salt, hash)
    select p_ids[i], p_references[i], p_metadata[i], p_effective_at[i], v_salts[i], v_details_hashes[i]
    from generate_series(1, v_count) as i
    where v_salts[i] is not null;
  end if;
  if p_key_ids is not null then
    insert into wallet.key_uses (id, key_id)
    select p_ids[i], p_key_ids[i]
    from generate_series(1, v_count) as i
    where p_key_ids[i] is not null;
  end if;
  return v_hashes;
end;
$$;

comment on function wallet.write_transactions(
  timestamptz, timestamptz[], bytea[], bigint[], bigint[], text[], uuid[], uuid[], bigint[], bigint[], bigint[], text[],
  text[], jsonb[], uuid[], timestamptz[], uuid[]
) is
  'Writes transactions that were judged under their wallets'' locks, each with its two entries and its details; returns the hashes of the wallets'' entries. The transactions of one wallet must follow one another.';
