select plan(8);

select lives_ok(
  $$
    select wallet_spend(wallet_of('alice'), txn(1), 5, 'order 1', '{"a": 1}', '2020-01-01 00:00+00');
    select wallet_transfer(wallet_of('alice'), txn(2), 7, wallet_of('bob')), wallet_topup(wallet_of('alice'), txn(3), 1)
  $$, 'alice has transactions'
);
select results_eq(
  $$ select * from wallet_transaction(wallet_of('alice'), txn(1), user_of('alice')) $$, $$ select * from wallet_entries(wallet_of('alice')) where seq = 2 $$,
  'it returns the row that the history has'
);
select results_eq(
  $$ select type, amount, balance, counterparty_username from wallet_transaction(wallet_of('alice'), txn(2)) $$,
  $$ values ('transfer', -7::bigint, 988::bigint, 'bob') $$, 'of a transfer the sender''s'
);
select is(refused($$ select wallet_transaction(wallet_of('bob'), txn(2)) $$), 'WA028', 'which the recipient cannot find by the sender''s txn_id');
select is(refused($$ select wallet_transaction(wallet_of('alice'), txn(9)) $$), 'WA028', 'an unknown txn_id is refused');
select is(refused($$ select wallet_transaction(gen_random_uuid(), txn(1)) $$), 'WA001', 'an unknown wallet is refused');
set local session authorization wallet_api;
select is(refused($$ select wallet_transaction(wallet_of('alice'), txn(1)) $$), 'WA002 actor', 'the service must name the user it acts for');
select is(refused($$ select wallet_transaction(wallet_of('alice'), txn(1), user_of('bob')) $$), 'WA001', 'a stranger''s wallet is answered as unknown');
reset session authorization;
select * from finish();
