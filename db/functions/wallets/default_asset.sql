create or replace function wallet.default_asset()
returns text
language sql
immutable
as $$
  select 'UC'
$$;

comment on function wallet.default_asset() is 'The asset of the wallet that every user gets at registration.';
