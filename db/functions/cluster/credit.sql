-- The caller has locked the wallets. One pass in the order of wallets judges and places, because whether an item fits
-- depends on those before it; then all are written as a set.
create or replace function wallet.credit(
  p_type text,
  p_wallet_ids uuid[],
  p_counterparty_ids uuid[],
  p_amounts bigint[],
  p_assets text[],
  p_references text[] default null,
  p_metadata jsonb[] default null,
  p_effective_at timestamptz[] default null
)
returns table (place integer, code text, transaction_id bigint)
language plpgsql
volatile
rows 100
as $$
#variable_conflict use_column
declare
  v_created_at constant timestamptz := clock_timestamp();
  v_item record;
  v_wallet_id uuid;
  v_seq bigint;
  v_balance bigint;
  v_held bigint;
  v_code text;
  v_places integer[] := '{}';
  v_codes text[] := '{}';
  v_credited integer := 0;
  v_ids bigint[] := '{}';
  v_of_places bigint[] := '{}';
  v_seqs bigint[];
  v_wallet_ids uuid[];
  v_counterparty_ids uuid[];
  v_txn_ids uuid[];
  v_amounts bigint[];
  v_balances bigint[];
  v_available bigint[];
  v_assets text[];
  v_references text[];
  v_metadata jsonb[];
  v_effective_at timestamptz[];
  v_newest_at timestamptz[];
  v_previous bytea[];
begin
  for v_item in
    select i.*, w.asset as of_asset, w.status, w.floor, w.max_balance, w.has_holds, w.is_erased, n.seq, n.balance_after,
      n.recorded_at, n.hash
    from unnest(p_wallet_ids, p_counterparty_ids, p_amounts, p_assets, p_references, p_metadata, p_effective_at)
      with ordinality as i (wallet_id, counterparty_id, amount, asset, reference, metadata, effective_at, place)
    left join lateral (
      select *
      from wallet.wallets x
      where x.id = i.wallet_id and x.kind = 'user'
      limit 1
    ) w on true
    left join lateral wallet.newest_entry(w.id) n on true
    order by i.wallet_id, i.place
  loop
    if v_item.wallet_id is distinct from v_wallet_id then
      v_wallet_id := v_item.wallet_id;
      v_seq := coalesce(v_item.seq, 0);
      v_balance := coalesce(v_item.balance_after, 0);
      v_held := case when v_item.has_holds then null else 0 end;
    end if;
    v_code := case
      when v_item.of_asset is null then 'WA009'
      when v_item.of_asset <> v_item.asset then 'WA011'
      else wallet.check_change(
        v_item.amount, v_balance, 0, case p_type when 'returned' then 'active' else v_item.status end,
        v_item.max_balance
      )
    end;
    v_places := v_places || v_item.place::integer;
    v_codes := v_codes || v_code;
    v_of_places := v_of_places || null::bigint;
    continue when v_code is not null;

    if v_held is null then
      perform wallet.end_due_holds(v_wallet_id, v_created_at);
      v_held := wallet.held(v_wallet_id, v_created_at);
    end if;
    v_credited := v_credited + 1;
    v_seq := v_seq + 1;
    v_balance := v_balance + v_item.amount;
    v_ids[v_credited] := nextval('wallet.transaction_ids');
    v_of_places[cardinality(v_places)] := v_ids[v_credited];
    v_seqs[v_credited] := v_seq;
    v_wallet_ids[v_credited] := v_wallet_id;
    v_counterparty_ids[v_credited] := v_item.counterparty_id;
    v_txn_ids[v_credited] := gen_random_uuid();
    v_amounts[v_credited] := v_item.amount;
    v_balances[v_credited] := v_balance;
    v_available[v_credited] := wallet.available(v_balance, v_held, v_item.floor);
    v_assets[v_credited] := v_item.asset;
    v_newest_at[v_credited] := v_item.recorded_at;
    v_previous[v_credited] := v_item.hash;
    -- of an erased owner no details are stored
    if not v_item.is_erased then
      v_references[v_credited] := v_item.reference;
      v_metadata[v_credited] := v_item.metadata;
      v_effective_at[v_credited] := v_item.effective_at;
    end if;
  end loop;

  if v_credited > 0 then
    perform wallet.write_transactions(
      v_created_at, v_newest_at, v_previous, v_ids, v_seqs, v_amounts, v_balances, v_assets,
      array(select generate_series(1, v_credited)), array_fill(p_type, array[v_credited]), v_wallet_ids, v_txn_ids,
      v_references, v_metadata, null, v_effective_at, v_counterparty_ids
    );
    insert into wallet.transaction_available (transaction_id, available)
    select i.id, i.available
    from unnest(v_ids, v_available, v_balances) as i (id, available, balance)
    where i.available <> i.balance;
  end if;
  return query
  select i.place, i.code, i.transaction_id
  from unnest(v_places, v_codes, v_of_places) as i (place, code, transaction_id);
end;
$$;

comment on function wallet.credit(text, uuid[], uuid[], bigint[], text[], text[], jsonb[], timestamptz[]) is
  'Credits locked user wallets with what comes from other databases, p_type received or returned: by its place in the arrays the transaction, or the code that refuses it. A returned one is refused only by a balance limit.';
