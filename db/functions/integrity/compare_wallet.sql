-- Along the key, so that nothing is sorted or hashed, however long the wallet is. What is set keeps it from being
-- inlined, too: a subquery for each wallet could not be shared out to workers.
create or replace function wallet.compare_wallet(
  p_wallet_id uuid,
  p_is_user boolean,
  p_asset text,
  p_floor bigint,
  p_chain boolean,
  p_seed bigint
)
returns table (
  wallet_id uuid, seq bigint, transaction_id bigint, balance_after bigint, recorded_at timestamptz,
  created_at timestamptz, expected_seq bigint, expected_balance numeric, time_before timestamptz, floor bigint,
  own bigint, received numeric, is_newest boolean, is_lost boolean, is_suspect boolean, is_out_of_order boolean,
  is_altered boolean, is_below_floor boolean
)
language sql
stable
parallel safe
set max_parallel_workers_per_gather = 0
set enable_memoize = off
set plan_cache_mode = force_generic_plan
as $$
  select p_wallet_id, f.seq, f.transaction_id, f.balance_after, f.recorded_at, f.created_at, f.expected_seq,
    f.expected_balance, f.time_before, p_floor, f.own, f.received, f.is_newest, f.is_lost, f.is_suspect,
    f.is_out_of_order, f.is_altered, f.is_below_floor
  from (
    select e.*,
      e.owner_id is null as is_lost,
      (e.owner_id is not null and e.is_expected is not true) as is_suspect,
      (p_is_user and p_chain and (
        e.seq <> e.expected_seq
        or e.balance_after is distinct from e.expected_balance
        or e.recorded_at is not null
          and (e.recorded_at is distinct from e.time_before or e.recorded_at <= e.created_at)
        or e.recorded_at is null and e.created_at < e.time_before
      )) as is_out_of_order,
      (p_is_user and p_chain and e.owner_id is not null and (
        e.hash is null
        or e.hash is distinct from wallet.entry_hash(
          e.previous_hash, p_wallet_id, e.seq, e.transaction_id, e.amount, e.balance_after, e.txn_id, e.created_at,
          e.type::text, e.other_wallet_id, d.hash, e.recorded_at
        )
        or d.salt is not null
          and d.hash is distinct from wallet.details_hash(d.salt, d.reference, d.metadata, d.effective_at)
        or d.salt is null and num_nonnulls(d.reference, d.metadata, d.effective_at) > 0
      )) as is_altered,
      (p_is_user and e.is_newest and e.expected_balance < p_floor) as is_below_floor
    from (
      select e.*, row_number() over by_seq as expected_seq, sum(e.amount) over by_seq as expected_balance,
        count(*) filter (where e.is_own and e.is_expected) over by_seq as own,
        sum(case when not e.is_own and e.is_expected then hashint8extended(e.transaction_id, p_seed) end) over by_seq
          as received,
        lag(coalesce(e.recorded_at, e.created_at)) over by_seq as time_before,
        lag(e.hash) over by_seq as previous_hash,
        lead(e.seq) over by_seq is null as is_newest
      from (
        select l.seq, l.transaction_id, l.amount, l.balance_after, l.hash, l.recorded_at, t.id as owner_id,
          t.created_at, t.txn_id, t.type, t.wallet_id = p_wallet_id as is_own,
          case when t.wallet_id = p_wallet_id then t.counterparty_id else t.wallet_id end as other_wallet_id,
          case
            when t.wallet_id = p_wallet_id then l.seq = t.seq and l.amount = case
              when t.type not in ('spend', 'transfer', 'capture') then t.amount
              when t.amount > 0 then -t.amount
            end
            else t.type = 'transfer' and p_is_user and t.counterparty_id = p_wallet_id and l.amount = t.amount
              and p_asset = (select s.asset from wallet.wallets s where s.id = t.wallet_id)
          end as is_expected
        from wallet.ledger l
        left join wallet.transactions t on t.id = l.transaction_id
        where l.wallet_id = p_wallet_id
        order by l.seq
      ) e
      window by_seq as (order by e.seq rows unbounded preceding)
    ) e
    left join wallet.transaction_details d on p_chain and d.transaction_id = e.transaction_id
    -- a fence: what is found is computed once
    offset 0
  ) f
  where f.is_newest or f.is_lost or f.is_suspect or f.is_out_of_order or f.is_altered or f.is_below_floor
$$;

comment on function wallet.compare_wallet(uuid, boolean, text, bigint, boolean, bigint) is
  'Compares the entries of a wallet with their transactions and with one another: rows that do not fit, and the newest, with how many are its own and a sum of hashes of what it received.';
