create or replace function public.wallet_events_by_id(
  p_ids bigint[]
)
returns table (id bigint, type text, wallet_id uuid, counterparty_wallet_id uuid, event json)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  perform wallet.require_service();
  if p_ids is null or cardinality(p_ids) > 1000 or 1 > any (p_ids) then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'ids', 'reason', 'must be at most 1000 ids'));
  end if;

  return query
  with page as materialized (
    select array_agg(r.id order by r.id) as ids, array_agg(r.type order by r.id) as types,
      array_agg(r.wallet_id order by r.id) as wallet_ids,
      array_agg(r.counterparty_wallet_id order by r.id) as counterparty_ids
    from unnest(p_ids) i (id)
    cross join lateral wallet.event_refs(i.id - 1, i.id, 1) r
    where r.type is not null
  )
  select p.ids[d.place], p.types[d.place], p.wallet_ids[d.place], p.counterparty_ids[d.place], d.event
  from page p
  cross join lateral wallet.described_events(p.ids, p.types, p.wallet_ids) d
  order by 1;
end;
$$;

comment on function public.wallet_events_by_id(bigint[]) is
$$ For the relay: these events as they are described now, in order; at most 1,000. An id that is none is left out.

Errors: WA002 invalid argument; WA035 the service and administrators only. $$;
