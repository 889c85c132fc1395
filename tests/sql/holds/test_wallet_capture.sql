select plan(43);

select lives_ok($$ select wallet_hold(wallet_of('alice'), txn(1), 300) $$, 'alice has a hold of 300');
create temp table first as
select * from wallet_capture(wallet_of('alice'), txn(2), txn(1), 100, false, 'part 1', '{"a": 1}', '2020-01-01 00:00+00', user_of('alice'));
select results_eq(
  'select txn_id, wallet_id, type, amount, asset, scale, balance, available, replayed from first',
  $$ values (txn(2), wallet_of('alice'), 'capture', 100::bigint, 'UC', 0::smallint, 900::bigint, 700::bigint, false) $$,
  'it returns the transaction with balance and available after it'
);
select results_eq(
  $$
    select coalesce(w.purpose, 'alice'), l.amount, l.balance_after
    from wallet.ledger l
    join wallet.wallets w on w.id = l.wallet_id
    where l.transaction_id = (select id from first)
    order by 2
  $$,
  $$ values ('alice', -100::bigint, 900::bigint), ('capture', 100, null) $$,
  'it is a transaction with two entries'
);
select results_eq(
  $$ select held, available from wallet_balance(wallet_of('alice')) $$, $$ values (200::bigint, 700::bigint) $$, 'the rest stays set aside'
);
select results_eq(
  $$ select type, amount, reference, metadata, effective_at from wallet_transaction(wallet_of('alice'), txn(2)) $$,
  $$ values ('capture', -100::bigint, 'part 1', '{"a": 1}'::jsonb, '2020-01-01 00:00+00'::timestamptz) $$, 'its free text is kept'
);
select is(
  refusal($$ select wallet_capture(wallet_of('alice'), txn(3), txn(1), 201) $$) -> 'detail', '{"field": "amount", "requested": 201, "left": 200, "asset": "UC", "scale": 0}'::jsonb,
  'more than is left is refused'
);
select is((wallet_capture(wallet_of('alice'), txn(3), txn(1))).amount, 200::bigint, 'without an amount it takes all that is left');
select is((select status from wallet_holds(wallet_of('alice')) where txn_id = txn(1)), 'captured', 'which closes the hold');
select is(refused($$ select wallet_capture(wallet_of('alice'), txn(4), txn(1), 1) $$), 'WA016', 'so nothing can be captured any more');
select is(balance_of('alice'), 700::bigint, 'no more than was held has gone');

-- final
select lives_ok($$ select wallet_hold(wallet_of('alice'), txn(10), 300) $$, 'a hold of 300');
select results_eq(
  $$ select amount, balance, available from wallet_capture(wallet_of('alice'), txn(11), txn(10), 50, true) $$,
  $$ values (50::bigint, 650::bigint, 650::bigint) $$, 'a final capture releases the rest'
);
select is(refused($$ select wallet_capture(wallet_of('alice'), txn(12), txn(10), 1) $$), 'WA016', 'which cannot be captured any more');
select lives_ok($$ select wallet_hold(wallet_of('alice'), txn(13), 10) $$, 'a hold of 10');
select is((wallet_capture(wallet_of('alice'), txn(14), txn(13), 10)).available, 640::bigint, 'all of it, by its amount');
select is((select status from wallet_holds(wallet_of('alice')) where txn_id = txn(13)), 'captured', 'closes it as well');

-- replays, also of a hold that is closed
create temp table again as
select * from wallet_capture(wallet_of('alice'), txn(2), txn(1), 100, null, 'part 1', '{"a": 1}', '2020-01-01 00:00+00');
select is(to_jsonb(again) - 'replayed', to_jsonb(first) - 'replayed', 'the same request again returns the first result, what was available then')
from again, first;
select is(replayed, true, 'as a replay') from again;
select results_eq(
  $$ select amount, balance, available, replayed from wallet_capture(wallet_of('alice'), txn(3), txn(1), null) $$,
  $$ values (200::bigint, 700::bigint, 700::bigint, true) $$, 'no amount equals no amount'
);
select is(refused($$ select wallet_capture(wallet_of('alice'), txn(3), txn(1), 200) $$), 'WA004 amount', 'but not what it stood for');
select is(refused($$ select wallet_capture(wallet_of('alice'), txn(14), txn(13)) $$), 'WA004 amount', 'nor the other way round');
select is(refused($$ select wallet_capture(wallet_of('alice'), txn(11), txn(10), 50, false) $$), 'WA004 final', 'another final is refused');
select is(refused($$ select wallet_capture(wallet_of('alice'), txn(11), txn(1), 50, true) $$), 'WA004 original_txn_id', 'another hold is refused');
select is(refused($$ select wallet_capture(wallet_of('alice'), txn(11), txn(10), 50, true, 'x') $$), 'WA004 reference', 'another reference is refused');
select is(refused($$ select wallet_capture(wallet_of('alice'), txn(1), txn(1)) $$), 'WA004 type', 'the txn_id of the hold is not free');
select is(refused($$ select wallet_void(wallet_of('alice'), txn(2), txn(1)) $$), 'WA004 type', 'nor that of a capture');

-- holds
select is(refused($$ select wallet_capture(wallet_of('alice'), txn(20), txn(99)) $$), 'WA015', 'an unknown hold is refused');
select is(refused($$ select wallet_capture(wallet_of('alice'), txn(20), txn(2)) $$), 'WA015', 'a transaction is no hold');
select is(refused($$ select wallet_capture(wallet_of('bob'), txn(20), txn(1)) $$), 'WA015', 'nor is a hold of another wallet');
select lives_ok($$ select wallet_hold(wallet_of('alice'), txn(21), 10), wallet_void(wallet_of('alice'), txn(22), txn(21)) $$, 'a hold is voided');
select is(refused($$ select wallet_capture(wallet_of('alice'), txn(23), txn(21)) $$), 'WA017', 'a voided hold is refused');
select lives_ok($$ select wallet_hold(wallet_of('alice'), txn(24), 10) $$, 'a hold is made');
select let_expire(txn(24));
select is(refused($$ select wallet_capture(wallet_of('alice'), txn(25), txn(24)) $$), 'WA018', 'an expired hold is refused');

-- arguments, limits and status
select is(refused($$ select wallet_capture(wallet_of('alice'), txn(30), null) $$), 'WA002 original_txn_id', 'a null hold is refused');
select is(refused($$ select wallet_capture(wallet_of('alice'), txn(30), txn(1), 0) $$), 'WA002 amount', 'an amount of zero is refused');
select is(
  refused($$ select wallet_capture(wallet_of('alice'), txn(30), txn(1), p_effective_at => clock_timestamp() + interval '1 hour') $$),
  'WA023 effective_at', 'the future is refused'
);
select lives_ok(
  $$ select wallet_hold(wallet_of('bob'), txn(1), 100); select wallet_set_limits(wallet_of('bob'), '{spend}', '{null}', '{60}', '{null}') $$,
  'bob''s spending is limited below his hold'
);
select is(refused($$ select wallet_capture(wallet_of('bob'), txn(2), txn(1)) $$), 'WA014 amount', 'a capture is held to limits');
select lives_ok($$ select wallet_capture(wallet_of('bob'), txn(2), txn(1), 40), wallet_set_status(wallet_of('bob'), 'frozen', 'a test') $$, 'then bob''s wallet is frozen');
select is(refused($$ select wallet_capture(wallet_of('bob'), txn(3), txn(1), 1) $$), 'WA012 amount', 'a frozen wallet refuses captures');

set local session authorization wallet_api;
select is(refused($$ select wallet_capture(wallet_of('alice'), txn(40), txn(1)) $$), 'WA002 actor', 'the service must name the user it acts for');
select is(
  refused($$ select wallet_capture(wallet_of('alice'), txn(40), txn(1), p_actor => user_of('bob')) $$), 'WA001',
  'a stranger''s wallet is answered as unknown'
);
reset session authorization;

select is_empty('select * from wallet_verify()', 'the ledger is sound at the end');
select * from finish();
