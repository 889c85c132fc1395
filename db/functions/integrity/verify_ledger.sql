-- Transactions meet what system wallets have of them a range of ids at a time, and user wallets are walked one after
-- the other along the key. So nothing is sorted, what is hashed at once is small, and a row is read twice at most. A
-- transaction has one place in its wallet, so those that have their own entry are only counted. The second entry of a
-- transfer cannot be looked up, because its seq is not on record: all that were sent and all that were received are
-- summed up, hashed with a seed that nobody knows before. One to another database has its other entry in a system
-- wallet, like all else. wallet.judge_transactions() then judges only what is suspect. How far it is comes from the
-- rows that were met, of as many as the planner knows of: three for each transaction.
create or replace function wallet.verify_ledger(
  p_chain boolean
)
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language plpgsql
stable
as $$
#variable_conflict use_column
declare
  c_lowest constant bigint := -9223372036854775808;
  c_highest constant bigint := 9223372036854775807;
  c_last constant uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  c_suspects constant integer := 100000;
  c_ids constant integer := 10000;
  c_entries constant integer := 200000;
  v_rows constant double precision := (
    select c.reltuples * 3 from pg_class c where c.oid = 'wallet.transactions'::regclass and c.reltuples > 0
  );
  v_system_ids constant uuid[] := array(select w.id from wallet.wallets w where w.kind = 'system');
  v_seed constant bigint := (random() * 9e18)::bigint;
  v_id bigint := c_lowest;
  v_last_id bigint;
  v_wallet_id uuid := '00000000-0000-0000-0000-000000000000';
  v_last_wallet_id uuid;
  v_wallets bigint := 1000;
  v_transactions bigint := 0;
  v_entries bigint := 0;
  v_before bigint;
  v_own bigint := 0;
  v_sent numeric := 0;
  v_received numeric := 0;
  v_suspects bigint[] := '{}';
  v_row record;
begin
  loop
    v_last_id := coalesce(
      (select t.id from wallet.transactions t where t.id >= v_id order by t.id offset c_ids - 1 limit 1), c_highest
    );
    select c.* into v_row
    from wallet.compare_entries(v_id, v_last_id, v_seed, v_system_ids) c;
    v_transactions := v_transactions + v_row.transactions;
    v_entries := v_entries + v_row.entries;
    v_sent := v_sent + coalesce(v_row.sent, 0);
    if cardinality(v_suspects) <= c_suspects then
      v_suspects := v_suspects || v_row.suspects;
    end if;
    for v_row in
      select o.*, l.transaction_id, t.id is null as is_lost,
        l.seq <> l.transaction_id or num_nonnulls(l.balance_after, l.hash, l.recorded_at) > 0 as is_no_system_entry
      from unnest(v_row.odd_wallet_ids, v_row.odd_seqs) as o (wallet_id, seq)
      join wallet.ledger l on l.wallet_id = o.wallet_id and l.seq = o.seq
      left join wallet.transactions t on t.id = l.transaction_id
    loop
      if not v_row.is_lost and cardinality(v_suspects) <= c_suspects then
        v_suspects := v_suspects || v_row.transaction_id;
      end if;
      return query
      select f.violation, v_row.wallet_id, v_row.seq, v_row.transaction_id, f.detail
      from (values
        ('entry_transaction', v_row.is_lost, 'the entry''s transaction does not exist'),
        (
          'system_entry', v_row.is_no_system_entry,
          'a system wallet''s entry has seq = transaction_id, no balance_after, no recorded_at and no hash'
        )
      ) as f (violation, applies, detail)
      where f.applies;
    end loop;
    perform wallet.tell_progress(jsonb_build_object('part', (v_transactions + v_entries) / v_rows));
    exit when v_last_id = c_highest;
    v_id := v_last_id + 1;
  end loop;

  loop
    v_last_wallet_id := coalesce(
      (select w.id from wallet.wallets w where w.id >= v_wallet_id order by w.id offset v_wallets - 1 limit 1), c_last
    );
    v_before := v_entries;
    for v_row in select * from wallet.compare_wallets(v_wallet_id, v_last_wallet_id, p_chain, v_seed) loop
      if v_row.is_newest then
        v_entries := v_entries + v_row.expected_seq;
        v_own := v_own + v_row.own;
        v_received := v_received + coalesce(v_row.received, 0);
      end if;
      if v_row.is_suspect and cardinality(v_suspects) <= c_suspects then
        v_suspects := v_suspects || v_row.transaction_id;
      end if;
      continue when not (v_row.is_lost or v_row.is_out_of_order or v_row.is_altered or v_row.is_below_floor);
      return query
      select f.violation, v_row.wallet_id, v_row.seq, v_row.transaction_id, f.detail
      from (values
        ('entry_transaction', v_row.is_lost, 'the entry''s transaction does not exist'),
        (
          'sequence', v_row.is_out_of_order and v_row.seq <> v_row.expected_seq,
          format('seq %s where %s was expected', v_row.seq, v_row.expected_seq)
        ),
        (
          'running_balance', v_row.is_out_of_order and v_row.balance_after is distinct from v_row.expected_balance,
          format('balance_after %s where the entries sum to %s', coalesce(v_row.balance_after::text, 'null'), v_row.expected_balance)
        ),
        (
          'created_at', v_row.is_out_of_order and coalesce(v_row.recorded_at, v_row.created_at) < v_row.time_before,
          format('recorded at %s, before its predecessor at %s', coalesce(v_row.recorded_at, v_row.created_at), v_row.time_before)
        ),
        (
          'created_at', v_row.is_out_of_order and v_row.recorded_at is not null
            and coalesce(v_row.recorded_at >= v_row.time_before, true)
            and (v_row.recorded_at is distinct from v_row.time_before or v_row.recorded_at <= v_row.created_at),
          format(
            'recorded_at %s where its predecessor has %s and its transaction %s', v_row.recorded_at,
            coalesce(v_row.time_before::text, 'none'), v_row.created_at
          )
        ),
        ('hash', v_row.is_altered, 'the entry, its transaction or its details are not what was hashed'),
        (
          'floor', v_row.is_below_floor, format('the entries sum to %s, below the floor %s', v_row.expected_balance, v_row.floor)
        )
      ) as f (violation, applies, detail)
      where f.applies;
    end loop;
    perform wallet.tell_progress(jsonb_build_object('part', (v_transactions + v_entries) / v_rows));
    exit when v_last_wallet_id = c_last;
    -- each range is about as long as all others, whatever wallets hold
    v_wallets := least(
      greatest(v_wallets * c_entries / greatest(v_entries - v_before, 1), 1), v_wallets * 2, c_entries
    );
    v_wallet_id := (select w.id from wallet.wallets w where w.id > v_last_wallet_id order by w.id limit 1);
    exit when v_wallet_id is null;
  end loop;

  -- transactions without an entry of their own: what is wrong with an entry is suspect already
  if v_own <> v_transactions then
    for v_row in
      select t.id
      from wallet.transactions t
      left join wallet.ledger l on l.wallet_id = t.wallet_id and l.seq = t.seq
      where l.transaction_id is distinct from t.id
    loop
      exit when cardinality(v_suspects) > c_suspects;
      v_suspects := v_suspects || v_row.id;
    end loop;
  end if;
  -- entries of wallets that do not exist were not met
  if v_entries <> (select count(*) from wallet.ledger) then
    for v_row in
      select l.wallet_id, l.seq, l.transaction_id, t.id is null as is_lost
      from wallet.ledger l
      left join wallet.transactions t on t.id = l.transaction_id
      where not exists (select from wallet.wallets w where w.id = l.wallet_id)
    loop
      if not v_row.is_lost and cardinality(v_suspects) <= c_suspects then
        v_suspects := v_suspects || v_row.transaction_id;
      end if;
      return query
      select f.violation, v_row.wallet_id, v_row.seq, v_row.transaction_id, f.detail
      from (values
        ('entry_transaction', v_row.is_lost, 'the entry''s transaction does not exist'),
        ('entry_wallet', true, 'the entry''s wallet does not exist')
      ) as f (violation, applies, detail)
      where f.applies;
    end loop;
  end if;

  -- too many to name, or transfers that were not all received once: then all are judged
  if cardinality(v_suspects) > c_suspects or v_sent <> v_received then
    return query select * from wallet.judge_transactions(null);
  elsif cardinality(v_suspects) > 0 then
    return query select * from wallet.judge_transactions(v_suspects);
  end if;
end;
$$;

comment on function wallet.verify_ledger(boolean) is
  'Violations of the rules about entries and transactions, see wallet_verify(); p_chain false leaves out those that follow from entry to entry.';
