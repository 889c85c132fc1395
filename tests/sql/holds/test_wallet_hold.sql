select plan(38);

create temp table first as
select * from wallet_hold(wallet_of('alice'), txn(1), 300, 3600, 'order 7', '{"a": 1}', user_of('alice'));
select results_eq(
  'select txn_id, wallet_id, type, amount, asset, scale, balance, available, replayed from first',
  $$ values (txn(1), wallet_of('alice'), 'hold', 300::bigint, 'UC', 0::smallint, 1000::bigint, 700::bigint, false) $$,
  'it returns the hold with balance and available after it'
);
select is_empty($$ select from wallet.transactions where txn_id = txn(1) $$, 'it posts nothing');
select results_eq(
  $$ select balance, held, available from wallet_balance(wallet_of('alice')) $$, $$ values (1000::bigint, 300::bigint, 700::bigint) $$,
  'what it sets aside is in the balance but not available'
);
select results_eq(
  $$ select id, txn_id, amount, captured, expires_at, reference, metadata, created_at from wallet.holds where wallet_id = wallet_of('alice') $$,
  $$ select id, txn_id, 300::bigint, 0::bigint, created_at + interval '1 hour', 'order 7', '{"a": 1}'::jsonb, created_at from first $$,
  'it is recorded, with the moment it expires'
);
select results_eq(
  $$ select event, amount, balance_after, available_after from wallet.hold_events where txn_id = txn(1) $$,
  $$ values ('hold', 300::bigint, 1000::bigint, 700::bigint) $$, 'so is the event'
);
select is(refused($$ select wallet_spend(wallet_of('alice'), txn(2), 701) $$), 'WA003 amount', 'a spend does not take what is held');
select is(refused($$ select wallet_transfer(wallet_of('alice'), txn(2), 701, wallet_of('bob')) $$), 'WA003 amount', 'nor does a transfer');
select is(refused($$ select wallet_hold(wallet_of('alice'), txn(2), 701) $$), 'WA003 amount', 'nor another hold');
select is(refused($$ select wallet_adjust(wallet_of('alice'), txn(2), -701, 'a test') $$), 'WA003 amount', 'nor an adjustment');
select is((wallet_hold(wallet_of('alice'), txn(2), 700)).available, 0::bigint, 'all that is available may be held');
select is(
  (select expires_at - created_at from wallet.holds where txn_id = txn(2)), interval '7 days', 'it expires after 7 days unless told otherwise'
);

-- replays
create temp table again as select * from wallet_hold(wallet_of('alice'), txn(1), 300, 3600, 'order 7', '{"a": 1}');
select is(to_jsonb(again) - 'replayed', to_jsonb(first) - 'replayed', 'the same request again returns the first result, what was available then')
from again, first;
select is(replayed, true, 'as a replay') from again;
select is(refused($$ select wallet_hold(wallet_of('alice'), txn(2), 699) $$), 'WA004 amount', 'another amount is refused');
select is(refused($$ select wallet_hold(wallet_of('alice'), txn(2), 700, 604800) $$), 'WA004 expires_in', 'what was left to default is not the default');
select is(refused($$ select wallet_hold(wallet_of('alice'), txn(2), 700, null, 'x') $$), 'WA004 reference', 'another reference is refused');
select is(refused($$ select wallet_hold(wallet_of('alice'), txn(2), 700, null, null, '{}') $$), 'WA004 metadata', 'other metadata is refused');
select is(refused($$ select wallet_topup(wallet_of('alice'), txn(1), 300) $$), 'WA004 type', 'its txn_id is not free for a top-up');
select is(refused($$ select wallet_void(wallet_of('alice'), txn(1), txn(1)) $$), 'WA004 type', 'nor for a void');
select lives_ok($$ select wallet_topup(wallet_of('alice'), txn(3), 1) $$, 'a top-up is made');
select is(refused($$ select wallet_hold(wallet_of('alice'), txn(3), 1) $$), 'WA004 type', 'whose txn_id is not free for a hold');

-- expiry
select let_expire(txn(2));
select results_eq(
  $$ select balance, held, available from wallet_balance(wallet_of('alice')) $$, $$ values (1001::bigint, 300::bigint, 701::bigint) $$,
  'an expired hold sets nothing aside'
);
select is((wallet_spend(wallet_of('alice'), txn(4), 701)).available, 0::bigint, 'its money may be spent');

-- arguments
select is(refused($$ select wallet_hold(wallet_of('bob'), txn(9), null) $$), 'WA002 amount', 'a null amount is refused');
select is(refused($$ select wallet_hold(wallet_of('bob'), txn(9), 0) $$), 'WA002 amount', 'an amount of zero is refused');
select is(refused($$ select wallet_hold(wallet_of('bob'), txn(9), 1, 0) $$), 'WA002 expires_in', 'no time at all is refused');
select is(refused($$ select wallet_hold(wallet_of('bob'), txn(9), 1, 31536001) $$), 'WA002 expires_in', 'more than 365 days are refused');
select is(refused($$ select wallet_hold(wallet_of('bob'), txn(9), 1, null, '') $$), 'WA002 reference', 'an empty reference is refused');
select is(refused($$ select wallet_hold(wallet_of('bob'), null, 1) $$), 'WA002 txn_id', 'a null txn_id is refused');
select is(refused('select wallet_hold(gen_random_uuid(), txn(9), 1)'), 'WA001', 'an unknown wallet is refused');

-- status, limits, count
select lives_ok($$ select wallet_set_limits(wallet_of('bob'), '{spend}', '{100}', '{150}', '{null}') $$, 'bob''s spending has limits');
select is(refused($$ select wallet_hold(wallet_of('bob'), txn(9), 101) $$), 'WA014 amount', 'a hold is held to them');
select is(
  (select count(*)::integer from generate_series(101, 200) i cross join lateral wallet_hold(wallet_of('charlie'), txn(i), 1) h), 100,
  'a wallet may have 100 open holds'
);
select is(
  refusal($$ select wallet_hold(wallet_of('charlie'), txn(201), 1) $$) - 'hint' - 'message',
  jsonb_build_object('code', 'WA025', 'detail', jsonb_build_object('wallet_id', wallet_of('charlie'), 'maximum', 100)), 'one more is refused'
);
select lives_ok($$ select wallet_set_status(wallet_of('bob'), 'frozen', 'a test') $$, 'bob''s wallet is frozen');
select is(refused($$ select wallet_hold(wallet_of('bob'), txn(9), 1) $$), 'WA012 amount', 'a frozen wallet takes no holds');

set local session authorization wallet_api;
select is(refused($$ select wallet_hold(wallet_of('alice'), txn(9), 1) $$), 'WA002 actor', 'the service must name the user it acts for');
select is(
  refused($$ select wallet_hold(wallet_of('alice'), txn(9), 1, p_actor => user_of('bob')) $$), 'WA001', 'a stranger''s wallet is answered as unknown'
);
reset session authorization;

select * from finish();
