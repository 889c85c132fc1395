-- Database 0 of a cluster with database 9: keys, which are in both, and users who live there.
select plan(8);
select wallet_join_cluster(0::smallint, '[[0], [0, 9]]');
create temp table their (there, nowhere) as
values ('01a21f1d-ac43-836c-8c7d-f87aafa71009'::uuid, '01a21f1d-ac43-836c-8c7d-f87aafa71008'::uuid);

select is(
  (select k.user_ids[1] from their, wallet_create_key(txn(1), 'a shop', sha256('1'), 'pgw_00000000', '{topup}', array[there, user_of('alice')]) k),
  (select least(there, user_of('alice')) from their), 'a key can be for a user of another database, who is judged there'
);
select is(
  refused('select wallet_create_key(txn(2), ''a shop'', sha256(''2''), ''pgw_00000000'', ''{topup}'', array[(select nowhere from their)])'), 'WA029 user_ids',
  'not for one whose database is none of the cluster'
);
select is(
  refused('select wallet_create_key(txn(2), ''a shop'', sha256(''2''), ''pgw_00000000'', ''{topup}'', array[txn(9)])'), 'WA029 user_ids', 'nor for one who would be here'
);
select lives_ok($$ select wallet_copy_operator(there, 'olga', 'operator') from their $$, 'she becomes an operator');
select is(
  refused('select wallet_create_key(txn(2), ''a shop'', sha256(''2''), ''pgw_00000000'', ''{topup}'', array[(select there from their)])'), 'WA002 user_ids',
  'and an operator of another database is no user of a key, either'
);
select is(
  refusal($$ select wallet_authorize_key(sha256('1'), null, p_username => 'olga') $$) -> 'detail' ->> 'reason', 'subject', 'for whom nobody calls'
);
select lives_ok($$ select wallet_copy_operator(there, 'olga', 'user') from their $$, 'she is none any more');
select is(
  refusal(format('select wallet_authorize_key(sha256(''1''), null, %L)', (select there from their))) -> 'detail' ->> 'reason', 'subject',
  'a user who lives elsewhere is not called for here'
);
select * from finish();
