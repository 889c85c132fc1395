-- Ids and names say in which database they live.
select plan(27);

-- ids
select is(wallet.number_of(wallet.new_id()), 0::smallint, 'a new id is of this database, which is number 0 unless it is told otherwise');
select is(wallet.number_of('0197c3b4-5d6e-8abc-9def-012345678fff'), 4095::smallint, 'of version 8 the last 12 bits are the number');
select is(wallet.number_of('0197c3b4-5d6e-8abc-9def-012345678100'), 256::smallint, 'the highest of them count most');
select is(wallet.number_of('0197c3b4-5d6e-7abc-9def-012345678fff'), 0::smallint, 'ids of version 7, which databases of before have, are of database 0');
select is(wallet.number_of('ffffffff-ffff-4fff-bfff-ffffffffffff'), 0::smallint, 'so are all others');
select is(wallet.number_of(wallet.system_wallet_id('UC', 'spend')), 0::smallint, 'a system wallet is in every database');
select is(wallet.is_here(user_of('alice')), true, 'alice lives here');
select is(wallet.is_here('0197c3b4-5d6e-8abc-9def-012345678fff'), false, 'who has an id of another database does not');

create temp table made as select n, wallet.new_id() as id from generate_series(1, 1000) n;
select is((select count(distinct id) from made), 1000::bigint, 'no two ids are the same');
select is_empty($$ select from made m join made l on l.n = m.n + 1 where l.id <= m.id $$, 'they ascend in a session');
select is_empty(
  $$ select id from made where id::text !~ '^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{9}000$' $$,
  'they are UUIDs of version 8 that end in the number'
);
select is_empty(
  $$ select id from made
    where abs(('x' || substring(replace(id::text, '-', '') for 12))::bit(48)::bigint - extract(epoch from clock_timestamp()) * 1000) > 60000 $$,
  'and begin with the milliseconds of the clock'
);
select cmp_ok((select count(distinct substring(id::text from 20 for 14)) from made), '>', 990::bigint, 'the rest is random');
select lives_ok($$ update wallet.shard set number = 4095 $$, 'as database 4095');
select is(wallet.number_of(wallet.new_id()), 4095::smallint, 'a new id is of that one');
select is(wallet.is_here(user_of('alice')), false, 'where others live elsewhere');
select lives_ok($$ update wallet.shard set number = 10 $$, 'as database 10');
select is(wallet.number_of(wallet.new_id()), 10::smallint, 'small numbers are padded');
select lives_ok($$ update wallet.shard set number = 0 $$, 'as database 0 again');
select throws_ok($$ update wallet.shard set number = 4096 $$, '23514', null, 'there is no database 4096');
select throws_ok($$ insert into wallet.shard (single, number) values (true, 1) $$, '23505', null, 'a database has one number');

-- names
select is(wallet.home_of('alice', '{7}'), 7::smallint, 'with one database all names live there');
select is(wallet.home_of('ALICE', '{0,1,2,3,4}'), wallet.home_of('alice', '{0,1,2,3,4}'), 'letters are folded first');
select is(
  (select array_agg(wallet.home_of(n, '{5,3,9}') order by n) from unnest('{alice,bob,charlie,dora}'::text[]) n),
  '{3,5,9,3}'::smallint[], 'the rule never changes: names would be lost'
);
select is(
  (select array_agg(distinct wallet.home_of('user' || n, '{5,3,9}') order by wallet.home_of('user' || n, '{5,3,9}')) from generate_series(1, 100) n),
  '{3,5,9}'::smallint[], 'every database gets some'
);
select cmp_ok(
  (select max(c) - min(c) from (select count(*) as c from generate_series(1, 10000) n group by wallet.home_of('user' || n, '{0,1,2,3}')) g),
  '<', 300::bigint, 'about as many as the others'
);
select is(
  (select count(*) from generate_series(1, 1000) n where wallet.home_of('user' || n, '{0,1}') not in (0, 1)), 0::bigint, 'and nobody else'
);

select * from finish();
