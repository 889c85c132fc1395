select plan(22);

select results_eq(
  $$ select code, name, scale, signup_bonus from wallet_create_asset('CHF', 'Franc', 2::smallint, 500) $$,
  $$ values ('CHF', 'Franc', 2::smallint, 500::bigint) $$,
  'it returns the asset as stored'
);
select results_eq(
  $$ select purpose, kind from wallet.wallets where asset = 'CHF' order by purpose $$,
  $$ values ('adjustment', 'system'), ('bonus', 'system'), ('capture', 'system'), ('received', 'system'), ('refund', 'system'), ('returned', 'system'), ('spend', 'system'), ('topup', 'system'), ('transfer', 'system') $$,
  'the asset has a system wallet for each purpose'
);
select is((wallet_create_asset('X1', 'x', 18::smallint)).signup_bonus, 0::bigint, 'without a bonus it is zero');
select is((wallet_create_asset('A23456789012', 'x', 0::smallint)).code, 'A23456789012', 'a code may have 12 characters');

-- again
create temp table wallets_before as select id from wallet.wallets where asset = 'CHF';
select results_eq(
  $$ select code, name, scale, signup_bonus from wallet_create_asset('CHF', 'Francs', 2::smallint, 7) $$,
  $$ values ('CHF', 'Franc', 2::smallint, 500::bigint) $$,
  'an existing asset keeps its name and bonus'
);
select results_eq(
  $$ select id from wallet.wallets where asset = 'CHF' order by id $$, 'select id from wallets_before order by id',
  'an existing asset keeps its system wallets'
);
select throws_ok($$ delete from wallet.wallets where asset = 'CHF' and purpose = 'spend' $$, 'WA008', null, 'no wallet is deleted');
set local session_replication_role = replica;
delete from wallet.wallets where asset = 'CHF' and purpose = 'spend';
set local session_replication_role = origin;
select lives_ok($$ select wallet_create_asset('CHF', 'Franc', 2::smallint, 500) $$, 'an asset lacks a system wallet');
select results_eq(
  $$ select id from wallet.wallets where asset = 'CHF' order by id $$, 'select id from wallets_before order by id',
  'a system wallet that is missing is added, under its former id'
);
select is(
  refused($$ select wallet_create_asset('CHF', 'Franc', 3::smallint) $$), 'WA002 scale', 'the scale of an existing asset never changes'
);
select throws_ok($$ update wallet.assets set scale = 3 where code = 'CHF' $$, 'WA008', null, 'not even by hand');
select lives_ok($$ update wallet.assets set scale = 2, name = 'Francs' where code = 'CHF' $$, 'its name may');

-- arguments
select is(refused($$ select wallet_create_asset(null, 'x', 0::smallint) $$), 'WA002 code', 'a null code is refused');
select is(refused($$ select wallet_create_asset('eur', 'x', 0::smallint) $$), 'WA002 code', 'a code in small letters is refused');
select is(refused($$ select wallet_create_asset('E', 'x', 0::smallint) $$), 'WA002 code', 'a code of one letter is refused');
select is(refused($$ select wallet_create_asset('A234567890123', 'x', 0::smallint) $$), 'WA002 code', 'a code of 13 characters is refused');
select is(refused($$ select wallet_create_asset('SEK', null, 0::smallint) $$), 'WA002 name', 'a null name is refused');
select is(refused($$ select wallet_create_asset('SEK', '', 0::smallint) $$), 'WA002 name', 'an empty name is refused');
select is(refused($$ select wallet_create_asset('SEK', 'x', null) $$), 'WA002 scale', 'a null scale is refused');
select is(refused($$ select wallet_create_asset('SEK', 'x', 19::smallint) $$), 'WA002 scale', 'a scale of 19 is refused');
select is(refused($$ select wallet_create_asset('SEK', 'x', 0::smallint, -1) $$), 'WA002 signup_bonus', 'a negative bonus is refused');
select is(refused($$ select wallet_create_asset('SEK', 'x', 0::smallint, null) $$), 'WA002 signup_bonus', 'a null bonus is refused');

select * from finish();
