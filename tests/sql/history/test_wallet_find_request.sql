select plan(10);

select lives_ok(
  $$
    select wallet_spend(wallet_of('alice'), txn(1), 10), wallet_hold(wallet_of('alice'), txn(2), 10), wallet_capture(wallet_of('alice'), txn(3), txn(2), 4),
      wallet_void(wallet_of('alice'), txn(4), txn(2)), wallet_transfer(wallet_of('alice'), txn(5), 10, wallet_of('bob')), wallet_spend(wallet_of('charlie'), txn(5), 10)
  $$,
  'requests are made'
);
select results_eq(
  format('select * from wallet_find_request(wallet_of(%L), txn(%s))', owner, number), format('values (%L::bigint, %L::uuid)', transaction_id, hold_txn_id), description
)
from (values
  (1, 'alice', 1, transaction_of(txn(1)), null, 'a spend is a transaction'),
  (2, 'alice', 2, null, txn(2), 'a hold is a hold'),
  (3, 'alice', 3, transaction_of(txn(3)), null, 'a capture is a transaction'),
  (4, 'alice', 4, null, txn(2), 'a void is the hold that it ended'),
  (5, 'bob', 5, (select t.id from wallet.transactions t where t.txn_id = txn(5) and t.type = 'transfer'), null, 'a transfer is found where it was received, too'),
  (6, 'charlie', 5, (select t.id from wallet.transactions t where t.txn_id = txn(5) and t.type = 'spend'), null, 'a wallet''s own request comes first')
) as c (place, owner, number, transaction_id, hold_txn_id, description)
order by place;
select is_empty($$ select from wallet_find_request(wallet_of('bob'), txn(1)) $$, 'what others did is not found');
select is(
  refused($$ select wallet_find_request(wallet_of('alice'), txn(1), user_of('bob')) $$), 'WA001', 'a wallet of somebody else is answered as unknown'
);
set local session authorization wallet_api;
select is(refused($$ select wallet_find_request(wallet_of('alice'), txn(1)) $$), 'WA002 actor', 'the service must name the user it acts for');
reset session authorization;

select * from finish();
