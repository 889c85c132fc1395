create or replace function public.wallet_event_feed(
  p_after bigint,
  p_up_to bigint,
  p_fence bigint,
  p_limit integer,
  p_listening uuid[]
)
returns table (id bigint, type text, user_id uuid, event json)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  perform wallet.require_service();
  perform wallet.require_page(p_after, p_up_to, p_limit, null, null);
  if p_listening is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'listening', 'reason', 'must not be null'));
  elsif not public.wallet_event_settled(p_fence) then
    return;
  end if;

  return query
  with found as materialized (
    select r.id, r.type, r.wallet_id as of_id, s.id as wallet_id, s.owner_id,
      row_number() over (order by r.id, s.id) as place
    from wallet.event_refs(p_after, p_up_to, p_limit) r
    left join lateral (
      select w.id, w.owner_id
      from unnest(array[r.wallet_id, r.counterparty_wallet_id]) x (wallet_id)
      cross join lateral (select * from wallet.wallets y where y.id = x.wallet_id limit 1) w
      where w.owner_id = any (p_listening)
    ) s on r.type is not null
  ), page as materialized (
    select array_agg(f.id order by f.place) as ids, array_agg(f.type order by f.place) as types,
      array_agg(f.of_id order by f.place) as of_ids, array_agg(f.wallet_id order by f.place) as wallet_ids,
      array_agg(f.owner_id order by f.place) as owner_ids
    from found f
    where f.wallet_id is not null
  )
  select f.id, f.type, null::uuid, null::json
  from found f
  where f.wallet_id is null
  union all
  select p.ids[d.place], p.types[d.place], p.owner_ids[d.place], d.event
  from page p
  cross join lateral wallet.described_events(p.ids, p.types, p.of_ids, p.wallet_ids) d
  order by 1;
end;
$$;

comment on function public.wallet_event_feed(bigint, bigint, bigint, integer, uuid[]) is
$$ For the service's streams: the next p_limit events after p_after, each once for every wallet that one of p_listening
owns, as its owner sees it, also of wallets that were opened since; for none of them, once without user_id and event. So
its last id tells how far it went.

Errors: WA002 invalid argument; WA024 invalid position; WA035 the service and administrators only. $$;
