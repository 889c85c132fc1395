select plan(38);

select results_eq(
  $$ select * from wallet_set_limits(wallet_of('alice'), '{spend,topup}', '{100,null}', '{150,null}', '{null,500}', -50, 2000) $$,
  $$ values ('spend', 100::bigint, 150::bigint, null::bigint, -50::bigint, 2000::bigint), ('topup', null, null, 500, -50, 2000) $$,
  'it returns the limits as set'
);
select is(
  (select detail from wallet.operator_actions where wallet_id = wallet_of('alice')),
  '{"floor": -50, "max_balance": 2000, "limits": [
    {"kind": "spend", "per_transaction": 100, "per_day": 150, "per_30_days": null}, {"kind": "topup", "per_transaction": null, "per_day": null, "per_30_days": 500}
  ]}'::jsonb, 'which are on record'
);
select lives_ok(
  $$ select wallet_set_limits(wallet_of('bob'), p_floor => -5), wallet_set_limits(wallet_of('bob'), p_reason => 'his wish') $$, 'limits are taken back'
);
select results_eq(
  $$ select reason, before, detail from wallet.operator_actions where wallet_id = wallet_of('bob') and user_id = user_of('bob') order by id offset 1 $$,
  $$ values ('his wish', '{"floor": -5, "max_balance": null, "limits": []}'::jsonb, '{"floor": 0, "max_balance": null, "limits": []}'::jsonb) $$,
  'why, and what was before, is on record with the owner'
);
select is(refused($$ select wallet_set_limits(wallet_of('bob'), p_reason => '') $$), 'WA002 reason', 'a reason says something');
select is((wallet_balance(wallet_of('alice'))).available, 1050::bigint, 'an overdraft is available');
create function pg_temp.excess(p_sql text) returns text
language sql
as $$ select concat_ws(' ', r ->> 'code', r -> 'detail' ->> 'limit', r -> 'detail' ->> 'left') from tap.refusal(p_sql) r $$;

select is(pg_temp.excess($$ select wallet_spend(wallet_of('alice'), txn(1), 101) $$), 'WA014 per_transaction 100', 'a transaction above its limit is refused');
select lives_ok($$ select wallet_spend(wallet_of('alice'), txn(1), 100) $$, 'one at its limit is not');
select is(pg_temp.excess($$ select wallet_spend(wallet_of('alice'), txn(2), 51) $$), 'WA014 per_day 50', 'a day''s limit counts what was spent');
select lives_ok($$ select wallet_hold(wallet_of('alice'), txn(3), 50), wallet_capture(wallet_of('alice'), txn(4), txn(3), 30) $$, 'a capture is made');
select is(pg_temp.excess($$ select wallet_spend(wallet_of('alice'), txn(2), 21) $$), 'WA014 per_day 20', 'captures count');
select is(pg_temp.excess($$ select wallet_capture(wallet_of('alice'), txn(5), txn(3), 20) $$), '', 'and are made up to it');
select is(pg_temp.excess($$ select wallet_spend(wallet_of('alice'), txn(2), 1) $$), 'WA014 per_day 0', 'then nothing is left');
select is((wallet_spend(wallet_of('alice'), txn(1), 100)).replayed, true, 'a replay still answers');
select lives_ok($$ select wallet_transfer(wallet_of('alice'), txn(6), 200, wallet_of('bob')) $$, 'other kinds are free');
select is(pg_temp.excess($$ select wallet_topup(wallet_of('alice'), txn(7), 501) $$), 'WA014 per_30_days 500', '30 days have a limit, too');
select lives_ok($$ select wallet_adjust(wallet_of('alice'), txn(8), 600, 'x') $$, 'which an adjustment does not know');

-- the window
update wallet.limit_usage set hour = hour - interval '24 hours' where wallet_id = wallet_of('alice') and kind = 'spend';
select is(pg_temp.excess($$ select wallet_spend(wallet_of('alice'), txn(2), 1) $$), 'WA014 per_day 0', 'a window reaches back to the start of its oldest hour');
update wallet.limit_usage set hour = hour - interval '1 hour' where wallet_id = wallet_of('alice') and kind = 'spend';
select lives_ok($$ select wallet_spend(wallet_of('alice'), txn(2), 1) $$, 'and no further');

-- what moved before
select lives_ok($$ select wallet_set_limits(wallet_of('alice')), wallet_spend(wallet_of('alice'), txn(10), 5) $$, 'limits are taken away');
select is_empty($$ select from wallet.limit_usage where wallet_id = wallet_of('alice') $$, 'then nothing is counted');
select results_eq(
  $$ select * from wallet_set_limits(wallet_of('alice'), p_max_balance => 1200) $$,
  $$ values (null::text, null::bigint, null::bigint, null::bigint, 0::bigint, 1200::bigint) $$, 'without kinds there is one row'
);
select lives_ok($$ select wallet_set_limits(wallet_of('alice'), '{spend}', '{null}', '{null}', '{200}') $$, 'a limit is set');
select is(pg_temp.excess($$ select wallet_spend(wallet_of('alice'), txn(11), 45) $$), 'WA014 per_30_days 44', 'what moved in the last 30 days counts at once');
select is(pg_temp.excess($$ select wallet_hold(wallet_of('alice'), txn(11), 45) $$), 'WA014 per_30_days 44', 'for holds as well');

-- maximum and floor
select lives_ok($$ select wallet_set_limits(wallet_of('bob'), p_floor => -100, p_max_balance => 1300) $$, 'bob has an overdraft and a maximum');
select is(refused($$ select wallet_topup(wallet_of('bob'), txn(1), 101) $$), 'WA006 amount', 'no credit passes the maximum');
select is((wallet_spend(wallet_of('bob'), txn(1), 1300)).balance, -100::bigint, 'a debit may bring a wallet to its floor');
select is(refused($$ select wallet_spend(wallet_of('bob'), txn(2), 1) $$), 'WA003 amount', 'and no further');
select is(refused($$ select wallet_set_limits(wallet_of('bob'), p_floor => -99) $$), 'WA002 floor', 'a floor is not set above what the wallet has');
select is_empty('select * from wallet_verify()', 'an overdraft is no violation');

-- arguments
select is(
  array(
    select refused(format($$ select wallet_set_limits(wallet_of('bob'), %s) $$, a.a))
    from (values
      ($$ '{gift}', '{1}', '{1}', '{1}' $$), ($$ '{spend,spend}', '{1,1}', '{1,1}', '{1,1}' $$), ($$ '{null}', '{1}', '{1}', '{1}' $$), ('null')
    ) a (a)
  ), array_fill('WA002 kinds'::text, array[4]), 'unknown, repeated and null kinds are refused'
);
select is(refused($$ select wallet_set_limits(wallet_of('bob'), '{spend}', '{}', '{1}', '{1}') $$), 'WA002 per_transaction', 'each kind has each limit');
select is(refused($$ select wallet_set_limits(wallet_of('bob'), '{spend}', '{1}', '{-1}', '{1}') $$), 'WA002 per_day', 'a negative limit is refused');
select is(refused($$ select wallet_set_limits(wallet_of('bob'), '{spend}', '{1}', '{1}', null) $$), 'WA002 per_30_days', 'null limits are refused');
select is(refused($$ select wallet_set_limits(wallet_of('bob'), p_floor => 1) $$), 'WA002 floor', 'a floor above zero is refused');
select is(refused($$ select wallet_set_limits(wallet_of('bob'), p_max_balance => -1) $$), 'WA002 max_balance', 'a negative maximum is refused');
select is(refused('select wallet_set_limits(gen_random_uuid())'), 'WA001', 'an unknown wallet is refused');
select * from finish();
