-- Each entry and each transaction is read once, along its key. The second entry of a transfer cannot be looked up,
-- because its seq is not on record: instead all that were sent and all that were received are summed up, hashed with
-- a seed that nobody knows before. One to another database has its other entry in a system wallet, like all else.
-- wallet.judge_transactions() then judges only what is suspect. Each transaction is met three times, with its entries:
-- one in ten thousand tells how far it is, of as many as the planner knows of.
create or replace function wallet.verify_ledger(
  p_chain boolean
)
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language plpgsql
stable
as $$
#variable_conflict use_column
declare
  c_suspects constant integer := 100000;
  c_step constant integer := 10000;
  v_step constant double precision := (
    select c_step / 3.0 / c.reltuples from pg_class c where c.oid = 'wallet.transactions'::regclass and c.reltuples > 0
  );
  v_steps bigint := 0;
  v_seed constant bigint := (random() * 9e18)::bigint;
  v_sent numeric := 0;
  v_received numeric := 0;
  v_suspects bigint[] := '{}';
  v_row record;
begin
  for v_row in
    select t.id, t.type = 'transfer' and o.transaction_id is null as is_transfer,
      hashint8extended(t.id, v_seed) as fingerprint, f.is_suspect
    from wallet.transactions t
    left join wallet.wallets w on w.id = t.wallet_id
    left join wallet.ledger l on l.wallet_id = t.wallet_id and l.seq = t.seq
    left join wallet.ledger o on o.wallet_id = wallet.system_wallet_id(w.asset, t.type::text) and o.seq = t.id
    cross join lateral (select (
      l.transaction_id = t.id
      and l.amount = case when t.type in ('spend', 'transfer', 'capture') then -t.amount::numeric else t.amount end
      and case
        when t.type = 'transfer' and o.transaction_id is null then t.counterparty_id is not null
        else (t.type in ('transfer', 'received', 'returned')) = (t.counterparty_id is not null)
          and o.transaction_id = t.id and o.amount = -l.amount::numeric
      end
    ) is not true as is_suspect) f
    where f.is_suspect or t.type = 'transfer' and o.transaction_id is null or t.id % c_step = 0
  loop
    if v_row.id % c_step = 0 then
      v_steps := v_steps + 1;
      perform wallet.tell_progress(jsonb_build_object('part', v_steps * v_step));
    end if;
    if v_row.is_transfer then
      v_sent := v_sent + v_row.fingerprint;
    end if;
    if v_row.is_suspect and cardinality(v_suspects) <= c_suspects then
      v_suspects := v_suspects || v_row.id;
    end if;
  end loop;

  for v_row in
    select *
    from (
      select e.*,
        (e.owner_id is not null and e.is_expected is not true) as is_suspect,
        (e.kind = 'user' and p_chain and (
          e.seq <> e.expected_seq
          or e.balance_after is distinct from e.expected_balance
          or e.recorded_at is not null
            and (e.recorded_at is distinct from e.time_before or e.recorded_at <= e.created_at)
          or e.recorded_at is null and e.created_at < e.time_before
        )) as is_out_of_order,
        (e.kind = 'user' and p_chain and e.owner_id is not null and (
          e.hash is null
          or e.hash is distinct from wallet.entry_hash(
            e.previous_hash, e.wallet_id, e.seq, e.transaction_id, e.amount, e.balance_after, e.txn_id, e.created_at,
            e.type::text, e.other_wallet_id, d.hash, e.recorded_at
          )
          or d.salt is not null
            and d.hash is distinct from wallet.details_hash(d.salt, d.reference, d.metadata, d.effective_at)
          or d.salt is null and num_nonnulls(d.reference, d.metadata, d.effective_at) > 0
        )) as is_altered,
        (e.kind = 'user' and e.is_newest and e.expected_balance < e.floor) as is_below_floor,
        (
          e.kind = 'system' and (e.seq <> e.transaction_id or num_nonnulls(e.balance_after, e.hash, e.recorded_at) > 0)
        ) as is_no_system_entry
      from (
        select l.wallet_id, l.seq, l.transaction_id, l.amount, l.balance_after, l.hash, l.recorded_at, w.kind, w.floor,
          t.id as owner_id, t.created_at, t.txn_id, t.type,
          t.wallet_id <> l.wallet_id and t.type = 'transfer' and w.kind = 'user' as is_received,
          case when t.wallet_id = l.wallet_id then t.counterparty_id else t.wallet_id end as other_wallet_id,
          case
            when l.wallet_id = t.wallet_id then l.seq = t.seq
            when t.type = 'transfer' and w.kind = 'user'
              then l.wallet_id = t.counterparty_id and l.amount = t.amount and w.asset = s.asset
            else l.seq = t.id and l.wallet_id = wallet.system_wallet_id(s.asset, t.type::text)
          end as is_expected,
          row_number() over in_wallet as expected_seq,
          sum(l.amount) over in_wallet as expected_balance,
          lag(coalesce(l.recorded_at, t.created_at)) over in_wallet as time_before,
          lag(l.hash) over in_wallet as previous_hash,
          lead(l.seq) over in_wallet is null as is_newest
        from wallet.ledger l
        left join wallet.wallets w on w.id = l.wallet_id
        left join wallet.transactions t on t.id = l.transaction_id
        left join wallet.wallets s on s.id = t.wallet_id
        window in_wallet as (partition by l.wallet_id order by l.seq rows unbounded preceding)
      ) e
      left join wallet.transaction_details d on p_chain and e.kind = 'user' and d.transaction_id = e.transaction_id
      -- a fence: what is found is computed once
      offset 0
    ) f
    where f.owner_id is null or f.kind is null or f.is_received or f.is_suspect or f.is_out_of_order or f.is_altered
      or f.is_below_floor or f.is_no_system_entry or f.transaction_id % c_step = 0
  loop
    if v_row.transaction_id % c_step = 0 then
      v_steps := v_steps + 1;
      perform wallet.tell_progress(jsonb_build_object('part', v_steps * v_step));
    end if;
    if v_row.is_received and not v_row.is_suspect then
      v_received := v_received + hashint8extended(v_row.transaction_id, v_seed);
    end if;
    if v_row.is_suspect and cardinality(v_suspects) <= c_suspects then
      v_suspects := v_suspects || v_row.transaction_id;
    end if;
    continue when v_row.owner_id is not null and v_row.kind is not null and not (
      v_row.is_out_of_order or v_row.is_altered or v_row.is_below_floor or v_row.is_no_system_entry
    );
    return query
    select f.violation, v_row.wallet_id, v_row.seq, v_row.transaction_id, f.detail
    from (values
      ('entry_transaction', v_row.owner_id is null, 'the entry''s transaction does not exist'),
      ('entry_wallet', v_row.kind is null, 'the entry''s wallet does not exist'),
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
      ),
      (
        'system_entry', v_row.is_no_system_entry,
        'a system wallet''s entry has seq = transaction_id, no balance_after, no recorded_at and no hash'
      )
    ) as f (violation, applies, detail)
    where f.applies;
  end loop;

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
