create or replace function public.wallet_last_verification()
returns table (age_seconds double precision, violations bigint, seconds double precision)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  -- the age by the clock that set the end
  select extract(epoch from clock_timestamp() - v.ended_at)::double precision, v.violations, v.seconds
  from wallet.verifications v
  order by v.id desc
  limit 1
$$;

comment on function public.wallet_last_verification() is
$$ When the last recorded verification ended, in seconds ago, what it found and how long it took; no row where there
was none. $$;
