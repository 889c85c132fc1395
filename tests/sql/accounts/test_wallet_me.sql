select plan(12);

create function pg_temp.wallets(p_username text) returns jsonb language sql as $$ select (wallet_me(user_of(p_username))).wallets $$;

set local session authorization wallet_api;
select results_eq(
  $$ select id, username, role, last_sign_in_at, jsonb_array_length(wallets) from wallet_me(user_of('alice'), user_of('alice')) $$,
  $$ values (user_of('alice'), 'alice', 'user', null::timestamptz, 1) $$, 'a user sees who they are'
);
select is(refused($$ select wallet_me(user_of('alice'), user_of('bob')) $$), 'WA029', 'and nobody else');
select is(refused($$ select wallet_me(user_of('alice')) $$), 'WA002 actor', 'the service names the user');
select lives_ok($$ select wallet_sign_in_succeeded('alice', 'home') $$, 'alice signs in');
reset session authorization;
select ok((select last_sign_in_at > created_at from wallet_me(user_of('alice'))), 'which is noted');

select is(
  pg_temp.wallets('alice') -> 0 #- '{created_at}',
  jsonb_build_object('wallet_id', wallet_of('alice'), 'asset', 'UC', 'scale', 0, 'status', 'active', 'balance', 1000, 'held', 0,
    'available', 1000, 'floor', 0, 'max_balance', null, 'limits', '{}'::jsonb),
  'a wallet has its balance, and no limits at first'
);
select lives_ok(
  $$ select wallet_set_limits(wallet_of('alice'), '{spend,topup}', '{100,null}', '{150,null}', '{null,500}', -50, 2000),
    wallet_spend(wallet_of('alice'), txn(1), 90), wallet_hold(wallet_of('alice'), txn(2), 40) $$, 'limits are set, and money moves'
);
select is(
  pg_temp.wallets('alice') -> 0 #- '{created_at}',
  jsonb_build_object('wallet_id', wallet_of('alice'), 'asset', 'UC', 'scale', 0, 'status', 'active', 'balance', 910, 'held', 40,
    'available', 920, 'floor', -50, 'max_balance', 2000, 'limits', '{
      "spend": {"per_transaction": {"maximum": 100, "used": 0, "left": 100}, "per_day": {"maximum": 150, "used": 90, "left": 60}},
      "topup": {"per_30_days": {"maximum": 500, "used": 0, "left": 500}}
    }'::jsonb),
  'what is left of them is what a request finds'
);
select is(
  refusal($$ select wallet_spend(wallet_of('alice'), txn(3), 61) $$) #> '{detail,left}', pg_temp.wallets('alice') #> '{0,limits,spend,per_day,left}',
  'as its refusal says'
);
update wallet.limit_usage set hour = hour - interval '25 hours' where wallet_id = wallet_of('alice');
select is(pg_temp.wallets('alice') #> '{0,limits,spend,per_day,left}', '150'::jsonb, 'what moved before the window counts no more');
update wallet.limit_usage set hour = hour + interval '25 hours', amount = 1e17 where wallet_id = wallet_of('alice');
select is(
  pg_temp.wallets('alice') #> '{0,limits,spend,per_day}', '{"maximum": 150, "used": 9007199254740991, "left": 0}'::jsonb,
  'no number is shown that JSON readers would not hold'
);
select lives_ok($$ select wallet_create_asset('USD', 'US dollar', 2::smallint), wallet_open(user_of('alice'), 'USD') $$, 'with a second wallet there are two');

select * from finish();
