select plan(8);

select lives_ok(
  $$ select wallet_hold(wallet_of('alice'), txn(1), 10, null, 'order 1', '{"a": 1}'), wallet_capture(wallet_of('alice'), txn(2), txn(1), 4) $$,
  'a hold is made and used'
);
select results_eq(
  $$ select txn_id, status, amount, captured, remaining, reference, metadata, asset, scale from wallet_own_hold(wallet_of('alice'), txn(1)) $$,
  $$ values (txn(1), 'open', 10::bigint, 4::bigint, 6::bigint, 'order 1', '{"a": 1}'::jsonb, 'UC', 0::smallint) $$,
  'it returns the hold with what is left of it'
);
select results_eq(
  $$ select e->>'event', (e->>'amount')::bigint, (e->>'transaction_id')::bigint from wallet_own_hold(wallet_of('alice'), txn(1)) h, jsonb_array_elements(h.events) e $$,
  $$ values ('capture', 4::bigint, transaction_of(txn(2))), ('hold', 10, null) $$,
  'and what happened to it, newest first'
);
select let_expire(txn(1));
select is((wallet_own_hold(wallet_of('alice'), txn(1))).status, 'expired', 'when it is due, it has expired');
select is(refused($$ select wallet_own_hold(wallet_of('alice'), txn(2)) $$), 'WA015 hold_txn_id', 'a capture is no hold');
select is(refused($$ select wallet_own_hold(wallet_of('bob'), txn(1)) $$), 'WA015 hold_txn_id', 'nor is that of another wallet');
select is(
  refused($$ select wallet_own_hold(wallet_of('alice'), txn(1), user_of('bob')) $$), 'WA001', 'a wallet of somebody else is answered as unknown'
);
set local session authorization wallet_api;
select is(refused($$ select wallet_own_hold(wallet_of('alice'), txn(1)) $$), 'WA002 actor', 'the service must name the user it acts for');
reset session authorization;

select * from finish();
