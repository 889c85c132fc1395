-- Histories as calls would have made them, without the time that the calls would take. Their hashes are no chain.
create schema history;

create function history.add(p_wallet_ids uuid[], p_entries integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := clock_timestamp();
  v_topup constant uuid := (select w.id from wallet.wallets w where w.asset = 'UC' and w.purpose = 'topup');
  v_first constant bigint := nextval('wallet.transaction_ids');
begin
  -- the wallets take turns, each from where its history ends
  create temp table added on commit drop as
  select v_first + n as id, w.wallet_id, o.seq + 1 + n / cardinality(p_wallet_ids) as seq,
    o.balance + 1 + n / cardinality(p_wallet_ids) as balance, v_now + n * interval '1 microsecond' as created_at
  from generate_series(0, p_entries - 1) n
  join unnest(p_wallet_ids) with ordinality w (wallet_id, place) on w.place = 1 + n % cardinality(p_wallet_ids)
  join (
    select w.id as wallet_id, coalesce(max(l.seq), 0) as seq, coalesce(sum(l.amount), 0)::bigint as balance
    from wallet.wallets w
    left join wallet.ledger l on l.wallet_id = w.id
    where w.id = any (p_wallet_ids)
    group by w.id
  ) o on o.wallet_id = w.wallet_id;
  perform setval('wallet.transaction_ids', v_first + p_entries);

  insert into wallet.transactions (id, seq, amount, created_at, wallet_id, txn_id, type)
  select a.id, a.seq, 1, a.created_at, a.wallet_id, gen_random_uuid(), 'topup'
  from pg_temp.added a
  order by a.id;
  insert into wallet.ledger (seq, transaction_id, amount, balance_after, wallet_id, hash)
  select e.seq, a.id, e.amount, e.balance, e.wallet_id, e.hash
  from pg_temp.added a
  cross join lateral (
    values (a.seq, 1, a.balance, a.wallet_id, sha256(int8send(a.id))), (a.id, -1, null, v_topup, null)
  ) e (seq, amount, balance, wallet_id, hash)
  order by a.id;
  insert into wallet.transaction_details (transaction_id, reference, salt, hash)
  select a.id, 'order ' || a.id, gen_random_uuid(), sha256(int8send(a.id))
  from pg_temp.added a
  where a.id % 4 = 0
  order by a.id;
end;
$$;

create function history.add_wallets(p_count integer) returns uuid[]
language sql
set search_path = pg_catalog, pg_temp
as $$
  with owners as (
    insert into wallet.users (id, username, password_hash)
    select wallet.new_id(), 'owner-' || n, 'hash'
    from generate_series(1, p_count) n
    returning id
  ),
  added as (
    insert into wallet.wallets (id, owner_id, asset, kind)
    select wallet.new_id(), o.id, 'UC', 'user'
    from owners o
    returning id
  )
  select array_agg(a.id)
  from added a
$$;
