select plan(17);

select results_eq(
  $$ select * from wallet_balance(wallet_of('alice')) $$,
  $$ values (wallet_of('alice'), 'UC', 0::smallint, 1000::bigint, 0::bigint, 1000::bigint, 'active') $$,
  'it returns the balance with the asset, its scale and the status'
);
select lives_ok($$ select wallet_topup(wallet_of('alice'), txn(1), 4294967297) $$, 'money comes in');
select is((wallet_balance(wallet_of('alice'))).balance, 4294968297::bigint, 'the balance rises');
select lives_ok($$ select wallet_spend(wallet_of('alice'), txn(2), 4294967000) $$, 'money goes out');
select is((wallet_balance(wallet_of('alice'))).balance, 1297::bigint, 'the balance falls');
select is((wallet_balance(wallet_of('alice'))).available, 1297::bigint, 'all of it is available');
select is((wallet_balance(wallet_of('alice'))).balance, balance_of('alice'), 'the balance is the sum of the entries');
select is((wallet_balance(wallet_of('bob'))).balance, 1000::bigint, 'other balances stay');

select lives_ok(
  $$ select wallet_hold(wallet_of('bob'), txn(1), 300), wallet_hold(wallet_of('bob'), txn(2), 5), wallet_capture(wallet_of('bob'), txn(3), txn(1), 100) $$,
  'bob has holds'
);
select let_expire(txn(2));
select results_eq(
  $$ select balance, held, available from wallet_balance(wallet_of('bob')) $$, $$ values (900::bigint, 200::bigint, 700::bigint) $$,
  'held is what open, unexpired ones have left'
);

select is(refused('select wallet_balance(null)'), 'WA002 wallet_id', 'a null wallet is refused');
select is(refused('select wallet_balance(gen_random_uuid())'), 'WA001', 'an unknown wallet is refused');
select is(refused(format('select wallet_balance(%L)', w.id)), 'WA001', 'a system wallet is no user''s')
from wallet.wallets w where w.asset = 'UC' and w.purpose = 'spend';
select is(
  refused($$ select wallet_balance(wallet_of('alice'), user_of('bob')) $$), 'WA001', 'a wallet of somebody else is answered as unknown'
);

set local session authorization wallet_api;
select is((wallet_balance(wallet_of('alice'), user_of('alice'))).balance, 1297::bigint, 'the service may ask for a user');
select is(refused($$ select wallet_balance(wallet_of('alice')) $$), 'WA002 actor', 'the service must name the user it acts for');
select is(
  refused($$ select wallet_balance(wallet_of('alice'), user_of('bob')) $$), 'WA001', 'the service cannot ask about a wallet of another user'
);
reset session authorization;

select * from finish();
