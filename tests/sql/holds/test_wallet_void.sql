select plan(20);

select lives_ok(
  $$ select wallet_hold(wallet_of('alice'), txn(1), 300), wallet_capture(wallet_of('alice'), txn(2), txn(1), 100) $$, 'alice has a hold with 200 left'
);
create temp table first as select * from wallet_void(wallet_of('alice'), txn(3), txn(1), user_of('alice'));
select results_eq(
  'select txn_id, wallet_id, type, amount, asset, scale, balance, available, replayed from first',
  $$ values (txn(3), wallet_of('alice'), 'void', 200::bigint, 'UC', 0::smallint, 900::bigint, 900::bigint, false) $$,
  'it returns what was released, with balance and available after it'
);
select is(f.id, h.id, 'and the hold''s id') from first f, wallet.holds h where h.txn_id = txn(1);
select is_empty($$ select from wallet.transactions where txn_id = txn(3) $$, 'it posts nothing');
select results_eq(
  $$ select status, captured, remaining from wallet_holds(wallet_of('alice')) $$, $$ values ('voided', 100::bigint, 0::bigint) $$,
  'the hold is voided, what was captured stays captured'
);
select is(refused($$ select wallet_capture(wallet_of('alice'), txn(4), txn(1), 1) $$), 'WA017', 'it can never be captured afterwards');

select is((wallet_spend(wallet_of('alice'), txn(5), 900)).available, 0::bigint, 'what was released may be spent');
select is(to_jsonb(a) - 'replayed', to_jsonb(f) - 'replayed', 'the same request again returns the first result')
from wallet_void(wallet_of('alice'), txn(3), txn(1)) a, first f;
select is((wallet_void(wallet_of('alice'), txn(3), txn(1))).replayed, true, 'as a replay');
select is(refused($$ select wallet_void(wallet_of('alice'), txn(3), txn(2)) $$), 'WA004 original_txn_id', 'another hold is refused');
select is(refused($$ select wallet_void(wallet_of('alice'), txn(2), txn(1)) $$), 'WA004 type', 'the txn_id of a capture is not free');
select is(refused($$ select wallet_void(wallet_of('alice'), txn(6), txn(1)) $$), 'WA017', 'a voided hold is refused');
select is(refused($$ select wallet_void(wallet_of('alice'), txn(6), txn(99)) $$), 'WA015', 'an unknown hold is refused');
select is(refused($$ select wallet_void(wallet_of('alice'), txn(6), null) $$), 'WA002 original_txn_id', 'a null hold is refused');

select lives_ok(
  $$
    select wallet_hold(wallet_of('bob'), txn(1), 10), wallet_hold(wallet_of('bob'), txn(2), 10), wallet_hold(wallet_of('bob'), txn(3), 10);
    select wallet_capture(wallet_of('bob'), txn(4), txn(2)), wallet_set_status(wallet_of('bob'), 'frozen', 'a test')
  $$,
  'bob has holds in a frozen wallet'
);
select is((wallet_void(wallet_of('bob'), txn(5), txn(1))).available, 980::bigint, 'a frozen wallet allows it');
select is(refused($$ select wallet_void(wallet_of('bob'), txn(6), txn(2)) $$), 'WA016', 'a captured hold is refused');
select let_expire(txn(3));
select is(refused($$ select wallet_void(wallet_of('bob'), txn(6), txn(3)) $$), 'WA018', 'an expired hold is refused');

set local session authorization wallet_api;
select is(refused($$ select wallet_void(wallet_of('bob'), txn(7), txn(1)) $$), 'WA002 actor', 'the service must name the user it acts for');
select is(
  refused($$ select wallet_void(wallet_of('bob'), txn(7), txn(1), user_of('alice')) $$), 'WA001', 'a stranger''s wallet is answered as unknown'
);
reset session authorization;
select * from finish();
