-- What operators do, and that nobody else does: adjust, fund, give back, status, limits, trial balance, roles.
select plan(81);

-- roles
select results_eq($$ select * from wallet_set_role('BOB', 'operator') $$, $$ values (user_of('bob'), 'bob', 'operator') $$, 'a user becomes an operator');
select results_eq(
  $$ select actor, action, before, detail from wallet.operator_actions where user_id = user_of('bob') $$,
  $$ values (null::uuid, 'role', '{"role": "user"}'::jsonb, '{"role": "operator"}'::jsonb) $$, 'which is on record, with what was before'
);
select is(refused($$ select wallet_set_role('bob', 'king') $$), 'WA002 role', 'an unknown role is refused');
select is(refused($$ select wallet_set_role('bob', null) $$), 'WA002 role', 'so is none');
select is(refused($$ select wallet_set_role('nobody', 'user') $$), 'WA029', 'an unknown user is refused');

-- every operator function asks for an operator
create temp table calls (name text, sql text);
insert into calls values
  ('adjust', $$ select wallet_adjust(wallet_of('alice'), txn(90), 1, 'a test', p_actor => %s) $$),
  ('fund', $$ select wallet_fund(wallet_of('alice'), txn(91), 1, p_actor => %s) $$),
  ('give_back', $$ select wallet_give_back(wallet_of('alice'), txn(92), txn(93), p_actor => %s) $$),
  ('set_status', $$ select wallet_set_status(wallet_of('alice'), 'active', 'a test', %s) $$),
  ('set_limits', $$ select wallet_set_limits(wallet_of('alice'), p_actor => %s) $$),
  ('trial_balance', $$ select wallet_trial_balance('UC', null, %s) $$);
grant select on calls to public;
set local session authorization wallet_api;
select is(refused(format(sql, $$user_of('alice')$$)), 'WA027', name || ' is for operators, on one''s own wallet too') from calls;
select is(refused(format(sql, 'gen_random_uuid()')), 'WA027', name || ' is not for unknown users') from calls;
select is(refused(format(sql, 'null')), 'WA002 actor', name || ' needs an actor when the service calls') from calls;
select throws_ok($$ select wallet_set_role('alice', 'operator') $$, '42501', null, 'the service makes no operators');

-- nothing of their own
reset session authorization;
select lives_ok($$ select wallet_fund(wallet_of('bob'), txn(80), 7), wallet_topup(wallet_of('bob'), txn(81), 8) $$, 'bob has got money');
insert into calls values ('erase_user', $$ select wallet_erase_user(user_of('alice'), 'a test', %s) $$);
create temp table money as select count(*) from wallet.transactions;
create temp table recorded as select count(*) from wallet.operator_actions;
set local session authorization wallet_api;
select is(
  refused(replace(format(sql, $$user_of('bob')$$), '''alice''', '''bob''')), 'WA038', 'an operator does nothing to their own: ' || name
)
from calls where name <> 'trial_balance';
select results_eq(
  $$ select amount, replayed from wallet_fund(wallet_of('bob'), txn(80), 7, p_actor => user_of('bob')) $$,
  $$ values (7::bigint, true) $$, 'what is on record is answered'
);
select is(
  (wallet_fund(wallet_of('bob'), txn(81), 8, p_actor => user_of('bob'))).replayed, true, 'whoever asked for it'
);
select is(refused($$ select wallet_fund(wallet_of('bob'), txn(80), 9, p_actor => user_of('bob')) $$), 'WA004 amount', 'or refused as ever');
reset session authorization;
select results_eq('select count(*) from wallet.transactions', 'table money', 'and nothing is written');
select results_eq('select count(*) from wallet.operator_actions', 'table recorded', 'nor on record');
set local session authorization wallet_api;

-- adjust
select results_eq(
  $$ select type, amount, balance, replayed from wallet_adjust(wallet_of('alice'), txn(1), -100, 'a mistake', p_actor => user_of('bob')) $$,
  $$ values ('adjustment', -100::bigint, 900::bigint, false) $$, 'an operator debits a wallet of another user'
);
select results_eq(
  $$ select amount, balance, replayed from wallet_adjust(wallet_of('alice'), txn(1), -100, 'a mistake', p_actor => user_of('bob')) $$,
  $$ values (-100::bigint, 900::bigint, true) $$, 'once'
);
reset session authorization;
select is((wallet_adjust(wallet_of('alice'), txn(2), 30, 'another')).balance, 930::bigint, 'a positive amount credits');
select results_eq(
  $$ select amount, reference from wallet_entries(wallet_of('alice'), 2) $$, $$ values (30::bigint, 'another'), (-100, 'a mistake') $$, 'the reason is its reference'
);
select results_eq(
  $$ select account, debit, credit, balance from wallet_trial_balance('UC') where account = 'adjustment' $$,
  $$ values ('adjustment', 30::numeric, 100::numeric, 70::numeric) $$, 'the other entries are in the adjustments account'
);
select is(
  (select detail from wallet.operator_actions where wallet_id = wallet_of('alice') and actor = user_of('bob')),
  jsonb_build_object('transaction_id', (select id from wallet.transactions where txn_id = txn(1))), 'what an operator did is on record, once'
);
select is(refused($$ select wallet_adjust(wallet_of('alice'), txn(2), -30, 'another') $$), 'WA004 amount', 'the opposite amount is another request');
select is(refused($$ select wallet_adjust(wallet_of('alice'), txn(3), 1, null) $$), 'WA002 reference', 'no reason is refused');
select is(refused($$ select wallet_adjust(wallet_of('alice'), txn(3), 1, '') $$), 'WA002 reference', 'an empty reason is refused');
select is(refused($$ select wallet_adjust(wallet_of('alice'), txn(3), 0, 'x') $$), 'WA002 amount', 'an amount of zero is refused');
select is(
  array(
    select refused(format($$ select wallet_adjust(wallet_of('alice'), txn(3), %s, 'x') $$, a))
    from unnest(array['-9007199254740992', '9007199254740992', '''-9223372036854775808''', 'null']) a (a)
  ), array_fill('WA002 amount'::text, array[4]), 'so are amounts beyond the range, and none'
);
select is(refused($$ select wallet_adjust(wallet_of('alice'), txn(3), -931, 'x') $$), 'WA003 amount', 'more than is available is not taken');
select is(refused('select wallet_adjust(gen_random_uuid(), txn(3), 1, ''x'')'), 'WA001', 'an unknown wallet is refused');

-- fund and give back
set local session authorization wallet_api;
select results_eq(
  $$ select type, amount, balance from wallet_fund(wallet_of('alice'), txn(10), 70, 'payment 1', p_actor => user_of('bob')) $$,
  $$ values ('topup', 70::bigint, 1000::bigint) $$, 'an operator tops up'
);
select is(
  (wallet_topup(wallet_of('alice'), txn(10), 70, 'payment 1', p_actor => user_of('alice'))).replayed, true, 'which is the same request as the user''s'
);
select lives_ok($$ select wallet_spend(wallet_of('alice'), txn(11), 50, p_actor => user_of('alice')) $$, 'alice spends');
select results_eq(
  $$ select type, amount, balance from wallet_give_back(wallet_of('alice'), txn(12), txn(11), 20, p_actor => user_of('bob')) $$,
  $$ values ('refund', 20::bigint, 970::bigint) $$, 'an operator refunds'
);
select is(
  refused($$ select wallet_give_back(wallet_of('alice'), txn(13), txn(11), 31, p_actor => user_of('bob')) $$), 'WA020 amount', 'no more than what is left'
);
reset session authorization;

-- status
select results_eq(
  $$ select wallet_id, status, previous_status, reason from wallet_set_status(wallet_of('alice'), 'frozen', 'a suspicion', user_of('bob')) $$,
  $$ values (wallet_of('alice'), 'frozen', 'active', 'a suspicion') $$, 'an operator freezes a wallet'
);
select is(
  (select detail from wallet.operator_actions where action = 'status' and actor = user_of('bob')),
  '{"from": "active", "to": "frozen", "reason": "a suspicion"}'::jsonb, 'the change is on record'
);
select is(refused($$ select wallet_spend(wallet_of('alice'), txn(20), 1) $$), 'WA012 amount', 'a frozen wallet is not debited');
select is((wallet_topup(wallet_of('alice'), txn(20), 1)).balance, 971::bigint, 'but credited');
select is((wallet_spend(wallet_of('alice'), txn(11), 50)).replayed, true, 'replays still answer');
select is(
  refusal($$ select wallet_set_status(wallet_of('alice'), 'closed', 'x') $$) -> 'detail',
  jsonb_build_object('wallet_id', wallet_of('alice'), 'balance', 971, 'held', 0, 'asset', 'UC', 'scale', 0), 'a wallet with a balance is not closed'
);
select lives_ok($$ select wallet_set_limits(wallet_of('charlie'), p_floor => -10) $$, 'charlie has an overdraft');
select lives_ok($$ select wallet_spend(wallet_of('charlie'), txn(1), 1000), wallet_hold(wallet_of('charlie'), txn(2), 5) $$, 'and a hold but no money');
select is(refusal($$ select wallet_set_status(wallet_of('charlie'), 'closed', 'x') $$) ->> 'code', 'WA022', 'a wallet with an open hold is not closed');
select lives_ok($$ select wallet_void(wallet_of('charlie'), txn(3), txn(2)), wallet_set_status(wallet_of('charlie'), 'closed', 'x') $$, 'an empty one is');
select is(
  array[refused($$ select wallet_topup(wallet_of('charlie'), txn(4), 1) $$), refused($$ select wallet_spend(wallet_of('charlie'), txn(4), 1) $$),
    refused($$ select wallet_hold(wallet_of('charlie'), txn(4), 1) $$)],
  array['WA013 amount', 'WA013 amount', 'WA013 amount'], 'a closed wallet refuses all'
);
select is((wallet_spend(wallet_of('charlie'), txn(1), 1000)).replayed, true, 'but replays');
select is((wallet_balance(wallet_of('charlie'))).status, 'closed', 'its balance can be read');
select lives_ok($$ select wallet_set_status(wallet_of('charlie'), 'active', 'x'), wallet_topup(wallet_of('charlie'), txn(4), 1) $$, 'it may be opened again');
select is(refused($$ select wallet_set_status(wallet_of('alice'), 'gone', 'x') $$), 'WA002 status', 'an unknown status is refused');
select is(refused($$ select wallet_set_status(wallet_of('alice'), 'active', null) $$), 'WA002 reason', 'no reason is refused');
select is(refused($$ select wallet_set_status(gen_random_uuid(), 'active', 'x') $$), 'WA001', 'an unknown wallet is refused');

-- trial balance
select is((select sum(balance) from wallet_trial_balance('UC')), 0::numeric, 'the accounts of an asset net to zero');
select results_eq(
  $$ select account from wallet_trial_balance() $$,
  $$ values ('adjustment'), ('bonus'), ('capture'), ('received'), ('refund'), ('returned'), ('spend'), ('topup'), ('transfer'), ('users') $$, 'they are the system accounts and all users together'
);
select is((select balance from wallet_trial_balance('UC') where account = 'users'), (select sum(balance_of(u)) from unnest(array['alice', 'bob', 'charlie']) u), 'whose balances it sums');
select is((select sum(entries) from wallet_trial_balance('UC', '2001-01-01')), 0::numeric, 'at a moment only what was recorded before it counts');
select is(refused($$ select wallet_trial_balance('XXX') $$), 'WA026 asset', 'an unknown asset is refused');
select is(refused($$ select wallet_trial_balance('UC', clock_timestamp() + interval '1 hour') $$), 'WA023 at', 'the future is refused');
select is_empty('select * from wallet_verify()', 'the ledger is sound at the end');
select throws_ok('update wallet.operator_actions set action = null', 'WA008', null, 'what operators did never changes');
select throws_ok('delete from wallet.hold_events', 'WA008', null, 'nor what happened to holds');
select throws_ok('delete from wallet.refunds', 'WA008', null, 'nor what refunds give back');
select * from finish();
