create or replace function public.wallet_highest_cost()
returns table (cost integer)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select coalesce(max(substring(u.password_hash from 5 for 2))::integer, 0)
  from wallet.users u
  where u.password_hash ~ '^\$2[aby]\$[0-9]{2}\$'
$$;

comment on function public.wallet_highest_cost() is
$$ The cost of the dearest bcrypt hash on record, 0 where there is none: the service takes as long for every sign-in
that fails, so that its time does not tell who has an account. One probe of an index. $$;
