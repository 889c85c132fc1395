select plan(23);

-- a history of 101 entries, one of them made by each call
create temp table history as
select t.created_at, 1000 + i * (i + 1) / 2 as balance
from generate_series(1, 100) i
cross join lateral wallet_topup(wallet_of('alice'), txn(i), i) t;

create function pg_temp.balance_at(p_at timestamptz) returns bigint
language sql
as $$ select (wallet_balance_at(wallet_of('alice'), p_at)).balance $$;

create function pg_temp.bonus_at() returns timestamptz
language sql
as $$ select t.created_at from wallet.transactions t where t.wallet_id = wallet_of('alice') and t.seq = 1 $$;

select results_eq(
  $$ select wallet_id, asset, scale, balance, at < clock_timestamp() from wallet_balance_at(wallet_of('alice'), clock_timestamp()) $$,
  $$ values (wallet_of('alice'), 'UC', 0::smallint, 6050::bigint, true) $$,
  'it returns the balance with the asset, its scale and the moment'
);
select is_empty(
  $$
    select h.created_at
    from history h
    where pg_temp.balance_at(h.created_at) <> 1000 + (
      select coalesce(sum(t.amount), 0) from wallet.transactions t
      where t.wallet_id = wallet_of('alice') and t.seq > 1 and t.created_at < h.created_at
    )
  $$,
  'at every moment of the history it is the sum of the entries before that moment'
);
select is(pg_temp.balance_at(min(created_at)), 1000::bigint, 'an entry made at the moment itself does not count') from history;
select is(
  pg_temp.balance_at(min(created_at) + interval '1 microsecond'), 1001::bigint, 'a microsecond later it counts'
) from history having count(*) filter (where created_at = (select min(created_at) from history)) = 1;
select is(pg_temp.balance_at(pg_temp.bonus_at()), 0::bigint, 'before the first entry it is zero');
select is(pg_temp.balance_at(pg_temp.bonus_at() + interval '1 microsecond'), 1000::bigint, 'the bonus counts right after it was made');
select is(pg_temp.balance_at('2001-01-01 00:00+00'), 0::bigint, 'before the wallet existed it is zero');
select lives_ok($$ select wallet_spend(wallet_of('alice'), txn(200), 50) $$, 'money goes out');
select is(pg_temp.balance_at(clock_timestamp()), 6000::bigint, 'spending counts');
select is(pg_temp.balance_at(max(created_at) + interval '1 microsecond'), 6050::bigint, 'an earlier balance stays what it was') from history;

-- entries of one moment
set local session_replication_role = replica;
update wallet.transactions set created_at = '2001-01-01 00:00+00' where wallet_id = wallet_of('bob');
set local session_replication_role = origin;
select lives_ok($$ select wallet_topup(wallet_of('bob'), txn(1), 1), wallet_topup(wallet_of('bob'), txn(2), 1) $$, 'two entries follow');
set local session_replication_role = replica;
update wallet.transactions set created_at = '2002-01-01 00:00+00' where wallet_id = wallet_of('bob') and seq > 1;
set local session_replication_role = origin;
select results_eq(
  $$
    select (wallet_balance_at(wallet_of('bob'), m.at)).balance
    from (values
      ('2001-01-01 00:00:00+00'::timestamptz), ('2001-12-31 23:59:59.999999+00'), ('2002-01-01 00:00:00+00'), ('2002-01-01 00:00:00.000001+00')
    ) as m (at)
  $$,
  $$ values (0::bigint), (1000), (1000), (1002) $$,
  'entries of one moment count together'
);

-- a clock that was set back
set local session_replication_role = replica;
update wallet.transactions set created_at = clock_timestamp() + interval '1 hour' where wallet_id = wallet_of('charlie');
set local session_replication_role = origin;
select is(n.created_at, t.created_at, 'no entry is recorded before its predecessor')
from wallet.transactions t, wallet_topup(wallet_of('charlie'), txn(1), 1) n
where t.wallet_id = wallet_of('charlie') and t.seq = 1;

-- arguments
select is(refused($$ select wallet_balance_at(wallet_of('alice'), null) $$), 'WA002 at', 'a null moment is refused');
select is(
  refused($$ select wallet_balance_at(wallet_of('alice'), clock_timestamp() + interval '1 minute') $$), 'WA023 at', 'the future is refused'
);
select is(refused($$ select wallet_balance_at(wallet_of('alice'), 'infinity') $$), 'WA002 at', 'infinity is refused');
select is(refused($$ select wallet_balance_at(wallet_of('alice'), '-infinity') $$), 'WA002 at', 'minus infinity is refused');
select is(refused('select wallet_balance_at(null, clock_timestamp())'), 'WA002 wallet_id', 'a null wallet is refused');
select is(refused('select wallet_balance_at(gen_random_uuid(), clock_timestamp())'), 'WA001', 'an unknown wallet is refused');
select is(
  refused($$ select wallet_balance_at(wallet_of('alice'), clock_timestamp(), user_of('bob')) $$), 'WA001',
  'a wallet of somebody else is answered as unknown'
);

set local session authorization wallet_api;
select is(
  (wallet_balance_at(wallet_of('alice'), clock_timestamp(), user_of('alice'))).balance, 6000::bigint, 'the service may ask for a user'
);
select is(
  refused($$ select wallet_balance_at(wallet_of('alice'), clock_timestamp()) $$), 'WA002 actor', 'the service must name the user it acts for'
);
select is(
  refused($$ select wallet_balance_at(wallet_of('alice'), clock_timestamp(), user_of('bob')) $$), 'WA001',
  'the service cannot ask about a wallet of another user'
);
reset session authorization;

select * from finish();
