create or replace function public.wallet_users(
  p_limit integer default 50,
  p_before_id uuid default null,
  p_actor uuid default null
)
returns table (
  id uuid, username text, role text, created_at timestamptz, last_sign_in_at timestamptz, erased_at timestamptz,
  is_last boolean
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
#variable_conflict use_column
declare
  v_number constant smallint := (select s.number from wallet.shard s);
begin
  perform wallet.require_operator(p_actor);
  if p_limit is null or p_limit not between 1 and 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'limit', 'reason', 'must be between 1 and 1000'));
  end if;

  return query
  with page as materialized (
    -- one more tells which row is the last of all, and is not shown
    select n.*, lead(n.id) over (order by n.id desc) is null as is_last
    from (
      select *
      from wallet.users u
      where u.id < coalesce(p_before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff') and wallet.number_of(u.id) = v_number
      order by u.id desc
      limit p_limit + 1
    ) n
    order by n.id desc
    limit p_limit
  ), noted as materialized (
    select wallet.record_reads(p_actor, array_agg(p.id), 'users')
    from page p
  )
  select p.id, p.username, p.role, p.created_at, p.last_sign_in_at, p.erased_at, p.is_last
  from page p
  cross join noted
  order by p.id desc;
end;
$$;

comment on function public.wallet_users(integer, uuid, uuid) is
$$ Operators: the users, newest first, a page at a time, and leaves on record who was shown.

p_limit     users in the page, 1 to 1000
p_before_id the id of the last user of the page before; null for the newest page
p_actor     the operator; null for an administrator

is_last: there is no older one. Errors: WA002 invalid argument; WA027 operators only. $$;
