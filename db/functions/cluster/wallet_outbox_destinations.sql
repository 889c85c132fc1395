-- Each step of the recursion finds the next destination in an index, so that it costs as much with a million rows
-- waiting as with one.
create or replace function public.wallet_outbox_destinations()
returns table (destination smallint, has_transfers boolean, has_erasures boolean)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_relay();
  return query
  with recursive transfers as (
    (select o.destination from wallet.outbox o where o.status = 'pending' order by o.destination limit 1)
    union all
    select (
      select o.destination
      from wallet.outbox o
      where o.status = 'pending' and o.destination > t.destination
      order by o.destination
      limit 1
    )
    from transfers t
    where t.destination is not null
  ),
  erasures as (
    (select o.destination from wallet.outbox o where o.erasure = 'due' order by o.destination limit 1)
    union all
    select (
      select o.destination
      from wallet.outbox o
      where o.erasure = 'due' and o.destination > e.destination
      order by o.destination
      limit 1
    )
    from erasures e
    where e.destination is not null
  )
  select d.destination, bool_or(d.is_transfer), bool_or(not d.is_transfer)
  from (
    select t.destination, true as is_transfer from transfers t
    union all
    select e.destination, false from erasures e
  ) d
  where d.destination is not null
  group by d.destination
  order by d.destination;
end;
$$;

comment on function public.wallet_outbox_destinations() is
$$ For the relay: the databases to which something is to be carried: transfers that are in transit, or erasures that are
due there. No row where there is nothing.

Errors: WA035 the relay and administrators only. $$;
