-- Reference data that every wallet database needs. Running it again changes nothing.
select public.wallet_create_asset('UC', 'User credits', 0::smallint, 1000);
select public.wallet_create_asset('USD', 'US dollar', 2::smallint);
select public.wallet_create_asset('EUR', 'Euro', 2::smallint);
select public.wallet_create_asset('JPY', 'Japanese yen', 0::smallint);
