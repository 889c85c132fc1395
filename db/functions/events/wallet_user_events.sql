create or replace function public.wallet_user_events(
  p_user_id uuid,
  p_after bigint,
  p_up_to bigint,
  p_fence bigint,
  p_limit integer default 100,
  p_types text[] default null,
  p_epoch integer default null,
  p_actor uuid default null
)
returns table (id bigint, type text, wallet_id uuid, event json)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  perform wallet.require_owner(p_user_id, p_actor);
  perform wallet.require_page(p_after, p_up_to, p_limit, p_types, p_epoch);
  if not public.wallet_event_settled(p_fence) then
    return;
  end if;

  return query
  with found as materialized (
    select r.*
    from wallet.wallets w
    cross join lateral wallet.event_refs_of(
      w.id, p_after, p_up_to, case when p_types is null then p_limit else 10000 end
    ) r
    where w.owner_id = p_user_id and (p_types is null or r.type = any (p_types))
    order by r.id
    limit p_limit
  ), page as materialized (
    select array_agg(f.id order by f.id) as ids, array_agg(f.type order by f.id) as types,
      array_agg(f.wallet_id order by f.id) as wallet_ids
    from found f
  )
  select p.ids[d.place], p.types[d.place], p.wallet_ids[d.place], d.event
  from page p
  cross join lateral wallet.described_events(p.ids, p.types, p.wallet_ids, p.wallet_ids) d
  order by d.place;
end;
$$;

comment on function public.wallet_user_events(uuid, bigint, bigint, bigint, integer, text[], integer, uuid) is
$$ What happened in a user's wallets after p_after, in order, as their owner sees it: of a transfer the own side alone.
Arguments and rows as those of wallet_events().

p_actor the user on whose behalf it is called, who must be the owner; null for an administrator alone

Errors: WA002 invalid argument; WA024 invalid position; WA029 unknown user; WA041 the history that p_after is of has
ended before it. $$;
