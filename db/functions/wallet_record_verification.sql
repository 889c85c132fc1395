create or replace function public.wallet_record_verification(
  p_violations bigint,
  p_seconds double precision
)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  insert into wallet.verifications (violations, seconds) values (p_violations, p_seconds)
$$;

comment on function public.wallet_record_verification(bigint, double precision) is
$$ Notes that a verification has ended now, how many violations it found and how long it took. For administrators. $$;
