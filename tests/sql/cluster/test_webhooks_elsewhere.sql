-- Database 0 of a cluster with database 9: events and webhooks of wallets that live there.
select plan(6);
select wallet_join_cluster(0::smallint, '[[0], [0, 9]]');
create temp table their (here, nowhere) as
values ('01a21f1d-ac43-836c-8c7d-f87aafa71009'::uuid, '01a21f1d-ac43-836c-8c7d-f87aafa71008'::uuid);

select results_eq(
  $$ select w.wallet_id, w.behind from their, wallet_create_webhook(txn(1), 'https://a', p_wallet_id => here, p_after => 0) w $$,
  $$ select here, 0::bigint from their $$, 'a webhook can be of a wallet of another database: nothing of it is here'
);
select is(
  refused('select wallet_create_webhook(txn(2), ''https://a'', p_wallet_id => (select nowhere from their))'), 'WA001 wallet_id',
  'not of one whose database is none of the cluster'
);
select is(
  refused('select wallet_create_webhook(txn(2), ''https://a'', p_wallet_id => txn(9))'), 'WA001 wallet_id', 'nor of one that would be here'
);
select is_empty(
  'select e.id from their, wallet_events(0, 9007199254740991, 3, p_wallet_id => here) e', 'its events are not here'
);
select throws_ok(
  'select * from wallet_events(0, 9, 3, p_wallet_id => (select nowhere from their))', 'WA001', null,
  'of one whose database is none of the cluster there are none anywhere'
);
select lives_ok(
  $$ select from their, wallet_change_webhook(txn(1), 'https://b', p_wallet_id => here) $$, 'it can be changed so, too'
);
select * from finish();
