-- Reference data that every wallet database needs. Running it again changes nothing.
select public.wallet_create_asset('UC', 'User credits', 0::smallint, 1000);
