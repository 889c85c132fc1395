-- A database is told which one of a cluster it is.
select plan(58);

create function pg_temp.stored() returns jsonb
language sql as $$
  select jsonb_build_array((select number from wallet.shard), jsonb_agg(to_jsonb(numbers) order by generation)) from wallet.homes
$$;

-- a database that has users: number and homes of before stay
select is(pg_temp.stored(), '[0, [[0]]]'::jsonb, 'a database that was told nothing is number 0, where all names live');
select results_eq($$ select * from wallet_join_cluster(0::smallint, '[[0]]') $$, $$ values (0::smallint, 1) $$, 'to say so again changes nothing');
select is(
  refusal($$ select wallet_join_cluster(1::smallint, '[[1]]') $$) -> 'detail',
  '{"field": "number", "number": 0, "reason": "can only be raised, while there are no users"}'::jsonb,
  'with users the number stays: their ids have it'
);
select is(refused($$ select wallet_join_cluster(0::smallint, '[[1]]') $$), 'WA002 homes', 'a generation of before is not replaced');
select is(refused($$ select wallet_join_cluster(0::smallint, '[[0, 1]]') $$), 'WA002 homes', 'nor does it grow');
select is(pg_temp.stored(), '[0, [[0]]]'::jsonb, 'what is refused changes nothing');
select results_eq($$ select * from wallet_join_cluster(0::smallint, '[[0], [0, 1]]') $$, $$ values (0::smallint, 2) $$, 'a generation can be appended');
select results_eq($$ select * from wallet_join_cluster(0::smallint, '[[0], [0, 1], [2, 1]]') $$, $$ values (0::smallint, 3) $$, 'and another');
select is(refused($$ select wallet_join_cluster(0::smallint, '[[0], [0, 1]]') $$), 'WA002 homes', 'none is taken away');
select is(refused($$ select wallet_join_cluster(0::smallint, '[[0], [0, 1], [1, 2]]') $$), 'WA002 homes', 'the order of numbers counts, too');
select is(pg_temp.stored(), '[0, [[0], [0, 1], [2, 1]]]'::jsonb, 'they are stored as they were given');

-- arguments
select is(refused($$ select wallet_join_cluster(null, '[[0]]') $$), 'WA002 number', 'a null number is refused');
select is(refused($$ select wallet_join_cluster(-1::smallint, '[[0]]') $$), 'WA002 number', 'a negative number is refused');
select is(refused($$ select wallet_join_cluster(4096::smallint, '[[0]]') $$), 'WA002 number', 'the highest is 4095');
select is(refused(format('select wallet_join_cluster(0::smallint, %L)', h)), 'WA002 homes', format('homes %s are refused', coalesce(h, 'null')))
from unnest(array[
  null, 'null', '0', '"[[0]]"', '{}', '{"0": [0]}', '[]', '[[]]', '[0]', '[[0], 1]', '[[0], []]', '[[0], null]', '[[null]]', '[["0"]]', '[[true]]', '[[[0]]]', '[[{}]]',
  '[[-1]]', '[[4096]]', '[[0.5]]', '[[1e9]]', '[[1e400]]', '[[0, 0]]', '[[0, 1, 0]]', '[[0, 0.0]]', '[[0], [1, 1]]'
]) h;

-- who may
set local role wallet_api;
select throws_ok($$ select wallet_join_cluster(0::smallint, '[[0]]') $$, '42501', null, 'the service may not');
reset role;

-- a database without users
set local session_replication_role = replica;
delete from wallet.account_events;
delete from wallet.ledger;
delete from wallet.transactions;
delete from wallet.wallets where kind = 'user';
delete from wallet.users;
set local session_replication_role = origin;
select lives_ok($$ select wallet_record_verification(0, 1) $$, 'of which something is on record');
create temp table before as select max(id) as id from wallet.verifications;
select results_eq($$ select * from wallet_join_cluster(3::smallint, '[[1, 3]]') $$, $$ values (3::smallint, 1) $$, 'it takes a number, and other homes');
select is(pg_temp.stored(), '[3, [[1, 3]]]'::jsonb, 'which replace those of before');
select results_eq($$ select * from wallet_join_cluster(3::smallint, '[[1.0, 3]]') $$, $$ values (3::smallint, 1) $$, 'again: nothing changes');
select is(nextval('wallet.transaction_ids'), (3::bigint << 40) + 1, 'transactions and events are numbered from there on');
select is_empty(
  $$
    select s.sequencename, s.start_value
    from pg_sequences s
    where s.schemaname = 'wallet'
      and s.sequencename <> 'transaction_ids'
      and nextval(format('%I.%I', s.schemaname, s.sequencename)::regclass) <> (3::bigint << 40) + 1
  $$, 'and so is everything else'
);
select is_empty('select * from wallet_verify()', 'what was on record before is no violation');
select is(refused($$ select wallet_join_cluster(2::smallint, '[[1, 3]]') $$), 'WA002 number', 'a number is never lowered: what was drawn is above');
select lives_ok($$ select wallet_join_cluster(4::smallint, '[[0, 4], [4]]') $$, 'it can be raised once more');
select is(nextval('wallet.transaction_ids'), (4::bigint << 40) + 1, 'with what is numbered');
select lives_ok($$ select wallet_register('dora', 'a hash') $$, 'then there is a user');
select is(wallet.number_of(user_of('dora')), 4::smallint, 'whose id is of this database');
select is(wallet.number_of(wallet_of('dora')), 4::smallint, 'and the wallet''s');
select is((select min(t.id >> 40) from wallet.transactions t), 4::bigint, 'and the numbers of transactions');
select is(refused($$ select wallet_join_cluster(5::smallint, '[[0, 4], [4]]') $$), 'WA002 number', 'so that the number stays');
select is(refused($$ select wallet_join_cluster(4::smallint, '[[4]]') $$), 'WA002 homes', 'and the homes');
select is_empty('select * from wallet_verify()', 'and all is well');

select * from finish();
