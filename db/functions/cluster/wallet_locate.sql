create or replace function public.wallet_locate(
  p_username text,
  p_asset text
)
returns table (wallet_id uuid)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_service();
  return query
  select w.id
  from wallet.users u
  join wallet.wallets w on w.owner_id = u.id and w.asset = p_asset
  where u.username = wallet.username(p_username);
end;
$$;

comment on function public.wallet_locate(text, text) is
$$ For the service: the wallet in an asset of the user of this name (folded to lower case), to whom a user of another
database sends; no row where this database has none. Ask the newest home of the name first.

Errors: WA035 the service and administrators only. $$;
