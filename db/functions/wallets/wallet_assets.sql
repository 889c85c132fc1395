create or replace function public.wallet_assets()
returns table (code text, name text, scale smallint)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select a.code, a.name, a.scale
  from wallet.assets a
  order by a.code
$$;

comment on function public.wallet_assets() is
  'What wallets can hold, by code: one unit of an asset is 10^scale of its minor units.';
