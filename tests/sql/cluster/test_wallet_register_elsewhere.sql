-- A name is registered in the database where it lives, and nowhere else.
select plan(14);

select lives_ok($$ select wallet_join_cluster(0::smallint, '[[0], [1, 0]]') $$, 'names are spread over two databases');
create temp table named as
select (select n from unnest('{dora,emil,fay,gus,hal}'::text[]) n where wallet.home_of(n, '{1,0}') = 0 limit 1) as here,
  (select n from unnest('{dora,emil,fay,gus,hal}'::text[]) n where wallet.home_of(n, '{1,0}') = 1 limit 1) as elsewhere;
create temp table before as select (select count(*) from wallet.users) as users, (select count(*) from wallet.account_events) as events;

select is((wallet_register(upper(here), 'a hash')).username, here, 'a name that lives here can be registered') from named;
select is(refused(format('select wallet_register(%L, %L)', elsewhere, 'a hash')), 'WA046 username', 'one that lives elsewhere is refused') from named;
select is(
  refusal(format('select wallet_register(%L, %L)', upper(elsewhere), 'a hash')) -> 'detail',
  jsonb_build_object('field', 'username', 'username', elsewhere, 'home', 1, 'number', 0), 'the refusal tells where, and who refused'
)
from named;
select is((select count(*) from wallet.users), users + 1, 'of what is refused nothing is stored') from before;
select is_empty($$ select from wallet.users, named where username = elsewhere $$, 'not even the name');
select is(refused(format('select wallet_register(%L, %L)', here, 'a hash')), 'WA005 username', 'a taken name is taken') from named;
select is(wallet_require_username(elsewhere), elsewhere, 'whether a name is free here can be asked of any name: this may be an older home') from named;
select is(refused(format('select wallet_register(%L, %L)', n, 'a hash')), f, 'arguments are judged first')
from (values ('x', 'WA002 username'), (null, 'WA002 username')) v (n, f);
select is_empty('select * from wallet_verify()', 'names of the older generation are no violation: alice, bob and charlie lived here before');

-- only homes of before
select lives_ok($$ select wallet_join_cluster(0::smallint, '[[0], [1, 0], [1]]') $$, 'this database gets no new names any more');
select is(refused($$ select wallet_register('newcomer', 'a hash') $$), 'WA046 username', 'so that nobody registers here');
select is((wallet_open(user_of(here), 'EUR')).asset, 'EUR', 'who is here goes on') from named;

select * from finish();
