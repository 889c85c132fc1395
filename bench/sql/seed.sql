-- 10,000 users with a wallet each, whose ids end in the numbers 10000 to 19999, and one top-up in each; four more whose
-- wallets are empty; and what the floors write to.
insert into wallet.users (id, username, password_hash)
select ('00000000-0000-0000-0001-0000000' || n)::uuid, 'bench-' || n, '-'
from generate_series(10000, 20003) as n;

insert into wallet.wallets (id, owner_id, asset, kind)
select ('00000000-0000-0000-0000-0000000' || n)::uuid, ('00000000-0000-0000-0001-0000000' || n)::uuid, 'UC', 'user'
from generate_series(10000, 20003) as n;

create schema bench;

create function bench.chain_step(
  p_hash bytea, p_wallet_id uuid, p_seq bigint, p_id bigint, p_amount bigint, p_balance bigint, p_txn_id uuid, p_at timestamptz
)
returns bytea
language plpgsql
as $$
begin
  return wallet.entry_hash(p_hash, p_wallet_id, p_seq, p_id, p_amount, p_balance, p_txn_id, p_at, 'topup', null, null);
end;
$$;

create aggregate bench.chain (uuid, bigint, bigint, bigint, bigint, uuid, timestamptz) (sfunc = bench.chain_step, stype = bytea);

create function bench.add_history(p_wallets uuid[], p_entries integer, p_amount bigint)
returns void
language sql
as $$
  -- Entries that top-ups would have made, a second apart, for wallets without any. Not through wallet_batch: a million
  -- would take minutes.
  with history as materialized (
    select nextval('wallet.transaction_ids') as id, w.id as wallet_id, e.seq::bigint, gen_random_uuid() as txn_id,
      now() - make_interval(secs => p_entries - e.seq + 1) as created_at
    from generate_series(1, p_entries) as e (seq), unnest(p_wallets) as w (id)
  ),
  recorded as (
    insert into wallet.transactions (id, seq, amount, created_at, wallet_id, txn_id, type)
    select h.id, h.seq, p_amount, h.created_at, h.wallet_id, h.txn_id, 'topup'
    from history h
  )
  insert into wallet.ledger (seq, transaction_id, amount, balance_after, wallet_id, hash)
  select h.seq, h.id, p_amount, h.seq * p_amount, h.wallet_id,
    bench.chain(h.wallet_id, h.seq, h.id, p_amount, h.seq * p_amount, h.txn_id, h.created_at)
      over (partition by h.wallet_id order by h.seq)
  from history h
  union all
  select h.id, h.id, -p_amount, null, wallet.system_wallet_id('UC', 'topup'), null
  from history h
$$;

select bench.add_history(array_agg(w.id), 1, 1000000000000)
from wallet.wallets w
where w.kind = 'user' and w.id < '00000000-0000-0000-0000-000000020000';

create function bench.quiet()
returns boolean
language plpgsql
as $$
declare
  v_quiet integer := 0;
begin
  for v_look in 1..1000 loop
    perform pg_stat_clear_snapshot();
    -- a relay leads by a lock in a transaction that does nothing
    if exists (
      select from pg_stat_activity where usename = 'wallet_api' and state not in ('idle', 'idle in transaction')
    ) then
      v_quiet := 0;
    else
      v_quiet := v_quiet + 1;
    end if;
    if v_quiet = 5 then
      return true;
    end if;
    perform pg_sleep(0.02);
  end loop;
  return false;
end;
$$;

create table bench.one_row (
  id bigint generated always as identity primary key,
  amount bigint not null
);

-- the copies that the bulk floor fills
create table bench.transactions (like wallet.transactions including all);
create table bench.ledger (like wallet.ledger including all);
create sequence bench.transaction_ids;
insert into bench.transactions select * from wallet.transactions;
insert into bench.ledger select * from wallet.ledger;
select setval('bench.transaction_ids', (select max(id) from bench.transactions));
