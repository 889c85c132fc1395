create or replace function public.wallet_keys(
  p_limit integer default 100,
  p_before uuid default null,
  p_with_revoked boolean default false,
  p_actor uuid default null
)
returns setof wallet.described_key
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_before wallet.api_keys;
begin
  perform wallet.require_operator(p_actor);
  if p_limit is null or p_limit not between 1 and 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'limit', 'reason', 'must be between 1 and 1000'));
  end if;
  select k.* into v_before
  from wallet.api_keys k
  where k.id = p_before;
  if not found and p_before is not null then
    perform wallet.raise_error('WA024', jsonb_build_object('field', 'cursor'));
  elsif not found then
    v_before.created_at := 'infinity';
    v_before.id := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  end if;

  return query
  select d.*
  from (
    -- each part reads a range of an index
    (
      select k.created_at, k.id
      from wallet.api_keys k
      where p_with_revoked and (k.created_at, k.id) < (v_before.created_at, v_before.id)
      order by k.created_at desc, k.id desc
      limit p_limit
    )
    union all
    (
      select k.created_at, k.id
      from wallet.api_keys k
      where p_with_revoked is not true and k.revoked_at is null
        and (k.created_at, k.id) < (v_before.created_at, v_before.id)
      order by k.created_at desc, k.id desc
      limit p_limit
    )
  ) i
  cross join lateral (
    select x.*
    from wallet.api_keys k
    cross join lateral wallet.described_key(k) x
    where k.id = i.id
    limit 1
  ) d
  order by i.created_at desc, i.id desc;
end;
$$;

comment on function public.wallet_keys(integer, uuid, boolean, uuid) is
$$ Operators: the keys, newest first, a page at a time. Columns as those of wallet_create_key().

p_limit        keys in the page, 1 to 1000
p_before       the id of the last key of the page before; null for the newest page
p_with_revoked those that were revoked, too
p_actor        the operator; null for an administrator

Errors: WA002 invalid argument; WA024 invalid cursor; WA027 operators only. $$;
