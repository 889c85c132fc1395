select plan(14);

select lives_ok($$ select wallet_create_asset('RPT', 'Reported', 0::smallint) $$, 'an asset of which nobody else has any');
create temp table wallets as
select u.username, r.wallet_id
from (values ('alice'), ('bob')) u (username)
cross join lateral wallet_open(user_of(u.username), 'RPT') r;
create function pg_temp.rpt(p_username text) returns uuid language sql as $$ select wallet_id from wallets where username = p_username $$;

select lives_ok(
  $$
    select wallet_topup(pg_temp.rpt('alice'), txn(1), 1000), wallet_topup(pg_temp.rpt('alice'), txn(2), 500),
      wallet_spend(pg_temp.rpt('alice'), txn(3), 200), wallet_transfer(pg_temp.rpt('alice'), txn(4), 300, pg_temp.rpt('bob'))
  $$,
  'what is reported'
);

select results_eq(
  $$ select name, scale from reporting.assets where asset = 'RPT' $$, $$ values ('Reported', 0::smallint) $$, 'what amounts are of'
);

-- volume
select results_eq(
  $$ select day, type, transactions, amount from reporting.daily_volume where asset = 'RPT' order by type $$,
  $$
    select (now() at time zone 'UTC')::date, v.*
    from (values ('spend', 1::bigint, 200::numeric), ('topup', 2, 1500), ('transfer', 1, 300)) v
  $$,
  'a day''s volume by type'
);
select throws_ok($$ select wallet_spend(pg_temp.rpt('bob'), txn(5), 301) $$, 'WA003', null, 'a refusal');
select results_eq(
  $$ select sum(transactions) from reporting.daily_volume where asset = 'RPT' $$, 'values (4::numeric)', 'is in no report'
);

-- balances
select results_eq(
  $$ select place, username, balance from reporting.top_wallets where asset = 'RPT' order by place $$,
  $$ values (1::bigint, 'alice', 1000::bigint), (2, 'bob', 300) $$,
  'who has most'
);
select is_empty(
  $$ select * from reporting.month_end_balances where asset = 'RPT' $$, 'a month that is not over has no balance at its end'
);
-- as if it had been in January of 2020, and again in April
insert into wallet.transactions (id, seq, amount, created_at, wallet_id, txn_id, type)
select -100 - n, -10 + n, 10 * n, case n when 3 then '2020-04-30 23:59:59+00' else '2020-01-15 12:00+00' end::timestamptz,
  pg_temp.rpt('bob'), gen_random_uuid(), 'topup'
from generate_series(1, 3) n;
insert into wallet.ledger (seq, transaction_id, amount, balance_after, wallet_id, hash)
select -10 + n, -100 - n, 10 * n, 100 * n, pg_temp.rpt('bob'), sha256('') from generate_series(1, 3) n;
select results_eq(
  $$
    select month, username, balance
    from reporting.month_end_balances
    where asset = 'RPT' and month < '2020-06-01'
    order by month
  $$,
  $$
    values ('2020-01-01'::date, 'bob', 200::bigint), ('2020-02-01', 'bob', 200), ('2020-03-01', 'bob', 200), ('2020-04-01', 'bob', 300),
      ('2020-05-01', 'bob', 300)
  $$,
  'a month has the newest balance until its end, also one without an entry'
);
select is(
  (select max(month) from reporting.month_end_balances where asset = 'RPT'),
  (date_trunc('month', now() at time zone 'UTC') - interval '1 month')::date,
  'up to the last month that is over'
);

-- holds
select lives_ok(
  $$ select wallet_hold(pg_temp.rpt('alice'), txn(6), 40, 3600), wallet_hold(pg_temp.rpt('bob'), txn(7), 2, 3600) $$, 'two holds'
);
select results_eq(
  $$ select age, holds, amount from reporting.open_holds where asset = 'RPT' $$,
  $$ values ('up to 1 day', 2::bigint, 42::numeric) $$,
  'open holds by age'
);

-- the whole
select results_eq(
  $$ select entries, credits, debits, difference from reporting.daily_trial_balance where asset = 'RPT' and day > '2021-01-01' $$,
  $$ values (8::bigint, 2000::numeric, 2000::numeric, 0::numeric) $$,
  'a day''s entries net to zero'
);
select is(
  (select sum(users) from reporting.daily_sign_ups), (select count(*)::numeric from wallet.users), 'each user signed up on one day'
);

select * from finish();
