create or replace function public.wallet_record_verification(
  p_violations bigint,
  p_seconds double precision
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform wallet.require_trust();
  if coalesce(p_violations < 0, true) then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'violations', 'reason', 'must be 0 or more'));
  elsif coalesce(p_seconds < 0, true) then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'seconds', 'reason', 'must be 0 or more'));
  end if;

  insert into wallet.verifications (violations, seconds) values (p_violations, p_seconds);
end;
$$;

comment on function public.wallet_record_verification(bigint, double precision) is
$$ Notes that a verification has ended now, how many violations it found and how long it took. For administrators.

Errors: WA002 invalid argument; WA035 administrators only. $$;
