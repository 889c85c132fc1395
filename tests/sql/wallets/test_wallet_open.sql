select plan(23);

create temp table opened as select * from wallet_open(user_of('alice'), 'USD', user_of('alice'));
select results_eq(
  'select asset, scale, status, balance, held, available from opened',
  $$ values ('USD', 2::smallint, 'active', 0::bigint, 0::bigint, 0::bigint) $$, 'it returns an empty wallet in the asset'
);
select ok((select opened from opened), 'and says that it was opened now');
update opened set opened = false;
select results_eq($$ select * from wallet_open(user_of('alice'), 'USD') $$, 'table opened', 'opened again it is the same wallet');
select ok((select not opened from wallet_open(user_of('alice'), 'UC')), 'what registration made was open before');
select is((wallet_open(user_of('alice'), 'UC')).wallet_id, wallet_of('alice'), 'so is the one that registration made');
select is(balance_of('alice'), 1000::bigint, 'whose bonus is given once');
select lives_ok($$ select wallet_create_asset('GEM', 'Gems', 0::smallint, 25) $$, 'an asset has a bonus');
select is((wallet_open(user_of('alice'), 'GEM')).balance, 25::bigint, 'a wallet in it begins with the bonus');
select is((wallet_open(user_of('alice'), 'GEM')).balance, 25::bigint, 'which is given once');
select results_eq(
  $$ select type, amount from wallet_entries(wallet_find(user_of('alice'), 'GEM')) $$, $$ values ('bonus', 25::bigint) $$, 'as a transaction'
);

-- list and find
select results_eq(
  $$ select asset, balance from wallet_list(user_of('alice'), user_of('alice')) $$, $$ values ('GEM', 25::bigint), ('UC', 1000), ('USD', 0) $$,
  'wallet_list returns all wallets of the user, by asset'
);
select lives_ok($$ select wallet_hold(wallet_of('alice'), txn(1), 40) $$, 'a hold is made');
select results_eq(
  $$ select balance, held, available, status from wallet_list(user_of('alice')) where asset = 'UC' $$,
  $$ values (1000::bigint, 40::bigint, 960::bigint, 'active') $$, 'wallet_list shows what is held'
);
select is(wallet_find(user_of('alice'), 'USD', user_of('alice')), wallet_id, 'wallet_find returns the wallet in an asset') from opened;
select is(refused($$ select wallet_find(user_of('bob'), 'USD') $$), 'WA001 asset', 'or says that there is none');

-- arguments
select is(refused($$ select wallet_open(user_of('alice'), 'XXX') $$), 'WA026 asset', 'an unknown asset is refused');
select is(refused($$ select wallet_open(user_of('alice'), null) $$), 'WA026 asset', 'so is none');
select is(refused($$ select wallet_open(null, 'USD') $$), 'WA002 owner_id', 'a null user is refused');
select is(refused($$ select wallet_open(gen_random_uuid(), 'USD') $$), 'WA029', 'an unknown user is refused');
select is(
  array[
    refused($$ select wallet_open(user_of('alice'), 'USD', user_of('bob')) $$), refused($$ select wallet_list(user_of('alice'), user_of('bob')) $$),
    refused($$ select wallet_find(user_of('alice'), 'USD', user_of('bob')) $$)
  ], array['WA029', 'WA029', 'WA029'], 'another user is answered as unknown, by each of the three'
);
set local session authorization wallet_api;
select is(
  array[
    refused($$ select wallet_open(user_of('alice'), 'USD') $$), refused($$ select wallet_list(user_of('alice')) $$),
    refused($$ select wallet_find(user_of('alice'), 'USD') $$)
  ], array['WA002 actor', 'WA002 actor', 'WA002 actor'], 'the service must name the user it acts for, to each of the three'
);
select is((wallet_open(user_of('bob'), 'EUR', user_of('bob'))).asset, 'EUR', 'the service may open a wallet for its user');
reset session authorization;
select is_empty('select * from wallet_verify()', 'the ledger is sound at the end');
select * from finish();
