create or replace function public.wallet_verifications(
  p_limit integer default 50,
  p_before_id bigint default null,
  p_actor uuid default null
)
returns table (id bigint, ended_at timestamptz, seconds double precision, violations bigint)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  perform wallet.require_operator(p_actor);
  if p_limit is null or p_limit not between 1 and 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'limit', 'reason', 'must be between 1 and 1000'));
  elsif p_before_id < 1 then
    perform wallet.raise_error('WA024', jsonb_build_object('field', 'cursor'));
  end if;

  return query
  select v.id, v.ended_at, round(v.seconds::numeric, 3)::double precision, v.violations
  from wallet.verifications v
  where v.id < coalesce(p_before_id, 9223372036854775807)
  order by v.id desc
  limit p_limit;
end;
$$;

comment on function public.wallet_verifications(integer, bigint, uuid) is
$$ Operators: the recorded verifications, newest first, a page at a time.

p_limit     rows in the page, 1 to 1000
p_before_id the id of the last row of the page before; null for the newest page
p_actor     the operator; null for an administrator

Errors: WA002 invalid argument; WA024 invalid cursor; WA027 operators only. $$;
