create or replace function public.wallet_demo_accounts()
returns setof text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select d.username
  from wallet.require_service()
  cross join wallet.demo_accounts() d
  where exists (
    select
    from wallet.users u
    where u.username = d.username and u.password_hash = d.password_hash and u.erased_at is null
  )
  order by d.username
$$;

comment on function public.wallet_demo_accounts() is
$$ The names of the demo accounts that are in this database and still have the password that the documents tell.

Errors: WA035 another login than the service's or an administrator's. $$;
