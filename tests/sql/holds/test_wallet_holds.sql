select plan(17);

select lives_ok(
  $$
    select wallet_hold(wallet_of('alice'), txn(i), 10 * i, null, 'hold ' || i, '{"a": 1}') from generate_series(1, 4) i;
    select wallet_capture(wallet_of('alice'), txn(11), txn(1), 4), wallet_capture(wallet_of('alice'), txn(12), txn(2));
    select wallet_void(wallet_of('alice'), txn(13), txn(3)), wallet_hold(wallet_of('bob'), txn(1), 1)
  $$, 'holds are made and used'
);
select let_expire(txn(4));
select results_eq(
  $$ select txn_id, status, amount, captured, remaining, reference, metadata from wallet_holds(wallet_of('alice'), p_actor => user_of('alice')) $$,
  $$
    values
      (txn(4), 'expired', 40::bigint, 0::bigint, 0::bigint, 'hold 4', '{"a": 1}'::jsonb), (txn(3), 'voided', 30, 0, 0, 'hold 3', '{"a": 1}'),
      (txn(2), 'captured', 20, 20, 0, 'hold 2', '{"a": 1}'), (txn(1), 'open', 10, 4, 6, 'hold 1', '{"a": 1}')
  $$,
  'it returns the wallet''s holds, newest first, with what is left of open ones'
);
select is(array(select h.txn_id from wallet_holds(wallet_of('alice'), s.status) h), array[txn(s.number)], s.status || ' ones may be asked for')
from (values ('open', 1), ('captured', 2), ('voided', 3), ('expired', 4)) s (status, number);
select is(array(select txn_id from wallet_holds(wallet_of('alice'), p_limit => 2)), array[txn(4), txn(3)], 'a page has at most p_limit holds');
select is(
  array(select txn_id from wallet_holds(wallet_of('alice'), null, 2, (select id from wallet.holds where txn_id = txn(3)))), array[txn(2), txn(1)],
  'the next page goes on from its last one'
);
select is(refused($$ select wallet_holds(wallet_of('alice'), 'closed') $$), 'WA002 status', 'an unknown status is refused');
select is(refused($$ select wallet_holds(wallet_of('alice'), null, 0) $$), 'WA002 limit', 'a limit of zero is refused');
select is(refused($$ select wallet_holds(wallet_of('alice'), null, 1001) $$), 'WA002 limit', 'a limit of 1001 is refused');
select is(refused($$ select wallet_holds(wallet_of('alice'), null, null) $$), 'WA002 limit', 'a null limit is refused');
select is(refused($$ select wallet_holds(wallet_of('alice'), null, 1, 0) $$), 'WA024 cursor', 'an impossible cursor is refused');
select is(refused('select wallet_holds(gen_random_uuid())'), 'WA001', 'an unknown wallet is refused');
select is(refused($$ select wallet_holds(wallet_of('alice'), p_actor => user_of('bob')) $$), 'WA001', 'a wallet of somebody else is answered as unknown');
set local session authorization wallet_api;
select is(refused($$ select wallet_holds(wallet_of('alice')) $$), 'WA002 actor', 'the service must name the user it acts for');
reset session authorization;
select is((wallet_balance(wallet_of('alice'))).held, 6::bigint, 'what open ones have left is what the wallet holds');
select * from finish();
