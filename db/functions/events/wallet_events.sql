-- With a filter a page examines a bounded number of events, so that no call costs as much as the whole ledger. A wallet
-- has indexes of its own, and needs no such bound.
create or replace function public.wallet_events(
  p_after bigint,
  p_up_to bigint,
  p_fence bigint,
  p_limit integer default 100,
  p_types text[] default null,
  p_asset text default null,
  p_wallet_id uuid default null,
  p_epoch integer default null,
  p_actor uuid default null
)
returns table (id bigint, type text, wallet_id uuid, counterparty_wallet_id uuid, event json)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  c_examined constant integer := 10000;
  v_ids bigint[];
  v_types text[];
  v_wallet_ids uuid[];
  v_counterparty_ids uuid[];
  v_examined bigint;
  v_seen uuid;
begin
  perform wallet.require_operator(p_actor);
  perform wallet.require_page(p_after, p_up_to, p_limit, p_types, p_epoch);
  if p_asset is not null and not exists (select from wallet.assets a where a.code = p_asset) then
    perform wallet.raise_error('WA026', jsonb_build_object('field', 'asset', 'asset', p_asset));
  elsif p_wallet_id is not null and not exists (select from wallet.wallets w where w.id = p_wallet_id)
    and not wallet.is_elsewhere(p_wallet_id) then
    perform wallet.raise_error('WA001', jsonb_build_object('wallet_id', p_wallet_id));
  end if;
  if not public.wallet_event_settled(p_fence) then
    return;
  end if;

  with examined as materialized (
    select r.*
    from wallet.event_refs(
      p_after, p_up_to, case when p_types is null and p_asset is null then p_limit else c_examined end
    ) r
    where p_wallet_id is null
    union all
    select r.id, r.type, t.wallet_id, t.counterparty_id
    from wallet.event_refs_of(
      p_wallet_id, p_after, p_up_to, case when p_types is null and p_asset is null then p_limit else c_examined end
    ) r
    left join lateral (
      select x.wallet_id, x.counterparty_id from wallet.transactions x where x.id = r.id limit 1
    ) x on true
    cross join lateral (select coalesce(x.wallet_id, r.wallet_id), x.counterparty_id) t (wallet_id, counterparty_id)
    where p_wallet_id is not null
  ), found as materialized (
    select e.*
    from examined e
    where e.type is not null and (p_types is null or e.type = any (p_types))
      and (p_asset is null or p_asset = (select w.asset from wallet.wallets w where w.id = e.wallet_id))
    order by e.id
    limit p_limit
  )
  select array_agg(f.id order by f.id), array_agg(f.type order by f.id), array_agg(f.wallet_id order by f.id),
    array_agg(f.counterparty_wallet_id order by f.id),
    case when count(*) < p_limit then (select max(e.id) from examined e) else max(f.id) end
  into v_ids, v_types, v_wallet_ids, v_counterparty_ids, v_examined
  from found f;
  return query
  select v_ids[d.place], v_types[d.place], v_wallet_ids[d.place], v_counterparty_ids[d.place], d.event
  from wallet.described_events(v_ids, v_types, v_wallet_ids) d
  order by d.place;
  if v_examined > coalesce(v_ids[cardinality(v_ids)], 0) then
    id := v_examined;
    return next;
  end if;

  if v_ids is not null and p_actor is not null and p_wallet_id is not null then
    select w.owner_id into v_seen from wallet.wallets w where w.id = p_wallet_id;
    perform wallet.record_reads(p_actor, array[v_seen], 'events');
  end if;
end;
$$;

comment on function public.wallet_events(
  bigint, bigint, bigint, integer, text[], text, uuid, integer, uuid
) is
$$ Operators: what happened after p_after, in order: nothing is missed, and nothing comes twice. Returns nothing until
the fence has passed: call it again then, or after another mark.

p_after     the id of the last event that was read, 0 for all from the beginning. Only such an id is a cursor
p_up_to, p_fence  what wallet_event_mark() returned
p_limit     events, 1 to 1000
p_types     only of these, like transaction.topup; null for all
p_asset, p_wallet_id  only of wallets in this asset, of this wallet (either side of a transfer, or a system wallet);
            one of another database of the cluster has none here
p_epoch     of the mark under which p_after was read; null is not looked at
p_actor     the operator; null for an administrator

event is a CloudEvent 1.0 in JSON; its data has signed amounts in minor units. It names people by id alone; with
p_wallet_id it goes on record that the owner was shown. With p_types or p_asset a page examines 10,000 events: where it
stops before the end, the last row has an id, from which the next page goes on, and nothing else.
Errors: WA001 unknown wallet; WA002 invalid argument; WA024 invalid position; WA026 unknown asset; WA027 operators only;
WA041 the history that p_after is of has ended before it, see wallet.require_position. $$;
