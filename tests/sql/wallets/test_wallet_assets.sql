select plan(1);

select wallet_create_asset('ABC', 'a test', 2::smallint, 5);
set local session authorization wallet_api;
select results_eq(
  $$ select * from wallet_assets() $$,
  $$
    select code, name, scale::smallint
    from (values ('ABC', 'a test', 2), ('EUR', 'Euro', 2), ('JPY', 'Japanese yen', 0), ('UC', 'User credits', 0), ('USD', 'US dollar', 2)) a (code, name, scale)
  $$,
  'the service knows what wallets can hold, by code'
);
reset session authorization;

select * from finish();
