-- wallet.write_transaction() for many at once: top-ups and spends, and what comes from other databases. See there. The
-- requests are read by their places, because to put seven arrays in another order costs more.
create or replace function wallet.write_transactions(
  p_created_at timestamptz,
  p_newest_at timestamptz[],
  p_previous bytea[],
  p_ids bigint[],
  p_seqs bigint[],
  p_deltas bigint[],
  p_balances bigint[],
  p_assets text[],
  p_places integer[],
  p_types text[],
  p_wallet_ids uuid[],
  p_txn_ids uuid[],
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
  v_place integer;
  v_wallet_id uuid;
begin
  for i in 1 .. v_count loop
    v_place := p_places[i];
    if num_nonnulls(p_references[v_place], p_metadata[v_place], p_effective_at[v_place]) > 0 then
      v_described := true;
      v_salts[i] := gen_random_uuid();
      v_details_hashes[i] := wallet.details_hash(
        v_salts[i], p_references[v_place], p_metadata[v_place], p_effective_at[v_place]
      );
    end if;
    if v_is_behind then
      v_recorded_at[i] := case when p_newest_at[i] > p_created_at then p_newest_at[i] end;
    end if;
    v_hashes[i] := wallet.entry_hash(
      case when p_wallet_ids[v_place] = v_wallet_id then v_hashes[i - 1] else p_previous[i] end,
      p_wallet_ids[v_place], p_seqs[i], p_ids[i], p_deltas[i], p_balances[i], p_txn_ids[v_place], p_created_at,
      p_types[v_place], p_counterparty_ids[v_place], v_details_hashes[i], v_recorded_at[i]
    );
    v_wallet_id := p_wallet_ids[v_place];
  end loop;

  with recorded as (
    insert into wallet.transactions (id, seq, amount, created_at, wallet_id, txn_id, type, counterparty_id)
    select p_ids[i], p_seqs[i], abs(p_deltas[i]), p_created_at, p_wallet_ids[p_places[i]], p_txn_ids[p_places[i]],
      p_types[p_places[i]]::wallet.transaction_type, p_counterparty_ids[p_places[i]]
    from generate_series(1, v_count) as i
  )
  insert into wallet.ledger (seq, transaction_id, amount, balance_after, wallet_id, hash, recorded_at)
  select p_seqs[i], p_ids[i], p_deltas[i], p_balances[i], p_wallet_ids[p_places[i]], v_hashes[i], v_recorded_at[i]
  from generate_series(1, v_count) as i
  union all
  select p_ids[i], p_ids[i], -p_deltas[i], null, wallet.system_wallet_id(p_assets[i], p_types[p_places[i]]), null, null
  from generate_series(1, v_count) as i;

  if v_described then
    insert into wallet.transaction_details (transaction_id, reference, metadata, effective_at, salt, hash)
    select p_ids[i], p_references[p_places[i]], p_metadata[p_places[i]], p_effective_at[p_places[i]], v_salts[i],
      v_details_hashes[i]
    from generate_series(1, v_count) as i
    where v_salts[i] is not null;
  end if;
  if p_key_ids is not null then
    insert into wallet.key_uses (id, key_id)
    select p_ids[i], p_key_ids[p_places[i]]
    from generate_series(1, v_count) as i
    where p_key_ids[p_places[i]] is not null;
  end if;
  return v_hashes;
end;
$$;

comment on function wallet.write_transactions(
  timestamptz, timestamptz[], bytea[], bigint[], bigint[], bigint[], bigint[], text[], integer[], text[], uuid[],
  uuid[], text[], jsonb[], uuid[], timestamptz[], uuid[]
) is
  'Writes transactions that were judged under their wallets'' locks, each with its two entries and its details; returns the hashes of the wallets'' entries. p_places tells the request of each in the arrays after it. The transactions of one wallet must follow one another.';
