select plan(1);

select wallet_create_asset('ABC', 'a test', 2::smallint, 5);
set local session authorization wallet_api;
select results_eq(
  $$ select * from wallet_assets() $$,
  $$ values ('ABC', 'a test', 2::smallint), ('EUR', 'Euro', 2), ('JPY', 'Japanese yen', 0), ('UC', 'User credits', 0), ('USD', 'US dollar', 2) $$,
  'the service knows what wallets can hold, by code'
);
reset session authorization;

select * from finish();
