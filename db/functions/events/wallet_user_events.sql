create or replace function public.wallet_user_events(
  p_user_id uuid,
  p_after bigint,
  p_up_to bigint,
  p_fence bigint,
  p_limit integer default 100,
  p_types text[] default null,
  p_epoch integer default null,
  p_actor uuid default null,
  p_key_id uuid default null
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
declare
  c_examined constant integer := 10000;
  v_most constant integer := case when p_types is null then p_limit else c_examined end;
  v_ids bigint[];
  v_types text[];
  v_wallet_ids uuid[];
  v_until bigint;
begin
  perform wallet.require_owner(p_user_id, p_actor, p_key_id);
  perform wallet.require_page(p_after, p_up_to, p_limit, p_types, p_epoch);
  if not public.wallet_event_settled(p_fence) then
    return;
  end if;

  with examined as materialized (
    select r.*
    from wallet.wallets w
    cross join lateral wallet.event_refs_of(w.id, p_after, p_up_to, v_most) r
    where w.owner_id = p_user_id
  ), bound as materialized (
    -- a wallet of which there may be more ends the page for the others, too
    select min(w.last_id) as until
    from (select max(e.id) as last_id from examined e group by e.wallet_id having count(*) = v_most) w
  ), found as materialized (
    select e.*
    from examined e
    cross join bound b
    where (p_types is null or e.type = any (p_types)) and e.id <= coalesce(b.until, p_up_to)
    order by e.id
    limit p_limit
  )
  select array_agg(f.id order by f.id), array_agg(f.type order by f.id), array_agg(f.wallet_id order by f.id),
    case when count(*) < p_limit then (select b.until from bound b) end
  into v_ids, v_types, v_wallet_ids, v_until
  from found f;
  return query
  select v_ids[d.place], v_types[d.place], v_wallet_ids[d.place], d.event
  from wallet.described_events(v_ids, v_types, v_wallet_ids, v_wallet_ids) d
  order by d.place;
  if v_until > coalesce(v_ids[cardinality(v_ids)], 0) then
    id := v_until;
    return next;
  end if;
end;
$$;

comment on function public.wallet_user_events(uuid, bigint, bigint, bigint, integer, text[], integer, uuid, uuid) is
$$ What happened in a user's wallets after p_after, in order, as their owner sees it: of a transfer the own side alone.
Arguments and rows as those of wallet_events(); with p_types a page examines 10,000 events of each wallet.

p_actor the user on whose behalf it is called, who must be the owner; null for an administrator alone
p_key_id the key of a machine that acts for that user; null for none

Errors: WA002 invalid argument; WA024 invalid position; WA029 unknown user; WA041 the history that p_after is of has
ended before it; WA047 not for this key. $$;
