select plan(22);

-- an entry a day: n on day n
select lives_ok($$ select wallet_topup(wallet_of('alice'), txn(n), n) from generate_series(1, 40) n $$, 'a history of forty days');
set local session_replication_role = replica;
update wallet.transactions t
set created_at = '2020-01-01 12:00+00'::timestamptz + (t.seq - 1) * interval '24 hours'
where t.wallet_id = wallet_of('alice');
set local session_replication_role = origin;

create function pg_temp.points(p_from timestamptz, p_to timestamptz, p_points integer) returns table (at timestamptz, balance bigint) language sql
as $$ select h.* from wallet_balance_history(wallet_of('alice'), p_from, p_to, p_points, user_of('alice')) h $$;

select results_eq(
  $$ select * from pg_temp.points('2020-01-01 00:00+00', '2020-01-06 00:00+00', 6) $$,
  $$
    values ('2020-01-01 00:00+00'::timestamptz, 0::bigint), ('2020-01-02 00:00+00', 1000), ('2020-01-03 00:00+00', 1001), ('2020-01-04 00:00+00', 1003),
      ('2020-01-05 00:00+00', 1006), ('2020-01-06 00:00+00', 1010)
  $$,
  'it returns the balance before each moment, oldest first, from the first to the last'
);
select results_eq(
  $$ select * from pg_temp.points('2020-01-02 12:00+00', '2020-01-02 12:00:00.000001+00', 2) $$,
  $$ values ('2020-01-02 12:00+00'::timestamptz, 1000::bigint), ('2020-01-02 12:00:00.000001+00', 1001) $$,
  'an entry made at the moment itself does not count, a microsecond later it counts'
);
select is_empty(
  $$
    select h.at
    from pg_temp.points('2019-12-01 00:00+00', '2020-03-01 07:11:13.123457+00', 400) h
    cross join lateral wallet_balance_at(wallet_of('alice'), least(h.at, now())) b
    where h.balance <> b.balance
  $$,
  'each is the balance that the wallet had at its moment'
);
select is((select count(*) from pg_temp.points('2019-12-01 00:00+00', '2020-03-01 07:11:13.123457+00', 400)), 400::bigint, 'there are as many as asked for');
select results_eq(
  $$ select min(h.at), max(h.at) from pg_temp.points('2019-12-01 00:00+00', '2020-03-01 07:11:13.123457+00', 399) h $$,
  $$ values ('2019-12-01 00:00+00'::timestamptz, '2020-03-01 07:11:13.123457+00'::timestamptz) $$, 'the bounds are exact'
);
select cmp_ok(
  (
    select max(d.step) - min(d.step)
    from (select h.at - lag(h.at) over (order by h.at) as step from pg_temp.points('2019-12-01 00:00+00', '2020-03-01 07:11:13.123457+00', 399) h) d
  ), '<=', interval '1 microsecond', 'and the moments lie evenly'
);
select results_eq(
  $$ select h.balance from pg_temp.points(now() - interval '1 hour', now() + interval '1 year', 3) h $$,
  $$ values (1820::bigint), (1820), (1820) $$, 'the last may lie in the future'
);
select is((select count(*) from pg_temp.points('2020-01-01 00:00+00', '2020-01-01 00:00:00.000001+00', 400)), 400::bigint, 'however close they are');
select results_eq(
  $$ select distinct h.balance from pg_temp.points('1990-01-01 00:00+00', '2001-01-01 00:00+00', 10) h $$, 'values (0::bigint)', 'before the first entry it is zero'
);
-- whatever zone the session is in
set local timezone = 'America/New_York';
select results_eq(
  $$ select h.at at time zone 'UTC' from pg_temp.points('2020-03-07 00:00+00', '2020-03-10 00:00+00', 4) h $$,
  $$ values ('2020-03-07 00:00'::timestamp), ('2020-03-08 00:00'), ('2020-03-09 00:00'), ('2020-03-10 00:00') $$, 'a day has 24 hours'
);
set local timezone = 'UTC';

-- entries of one moment
set local session_replication_role = replica;
update wallet.transactions set created_at = '2001-01-01 00:00+00' where wallet_id = wallet_of('alice') and seq < 20;
set local session_replication_role = origin;
select results_eq(
  $$ select h.balance from pg_temp.points('2001-01-01 00:00+00', '2001-01-01 00:00:00.000002+00', 3) h $$,
  $$ values (0::bigint), (1171), (1171) $$, 'entries of one moment count together'
);

-- a wallet without entries
select lives_ok($$ select wallet_open(user_of('alice'), 'USD') $$, 'an empty wallet is opened');
select results_eq(
  $$
    select h.balance
    from wallet.wallets w
    cross join lateral wallet_balance_history(w.id, '2020-01-01', '2020-02-01', 2) h
    where w.owner_id = user_of('alice') and w.asset = 'USD'
  $$, $$ values (0::bigint), (0) $$, 'it has nothing at any moment'
);

-- refused
select is(refused($$ select pg_temp.points('2020-01-02', '2020-01-02', 2) $$), 'WA002 from', 'it begins before it ends');
select is(refused($$ select pg_temp.points(null, '2020-01-02', 2) $$), 'WA002 from', 'and begins');
select is(refused($$ select pg_temp.points('2020-01-02', 'infinity', 2) $$), 'WA002 to', 'and ends');
select is(refused($$ select pg_temp.points('1920-01-01', '2021-01-01', 2) $$), 'WA002 from', 'within a hundred years');
select results_eq(
  $$ select refused(format('select pg_temp.points(%L, %L, %L)', '2020-01-01', '2020-01-02', n.n)) from unnest(array[1, 401, null]) with ordinality n (n, place) order by n.place $$,
  $$ values ('WA002 points'), ('WA002 points'), ('WA002 points') $$, 'it has 2 to 400 points'
);
select is(refused($$ select wallet_balance_history(gen_random_uuid(), '2020-01-01', '2020-01-02', 2) $$), 'WA001', 'an unknown wallet is refused');
set local session authorization wallet_api;
select is(
  refused($$ select wallet_balance_history(wallet_of('alice'), '2020-01-01', '2020-01-02', 2) $$), 'WA002 actor', 'the service must name the user it acts for'
);
select is(
  refused($$ select wallet_balance_history(wallet_of('alice'), '2020-01-01', '2020-01-02', 2, user_of('bob')) $$), 'WA001', 'a stranger''s wallet is answered as unknown'
);
reset session authorization;
select * from finish();
