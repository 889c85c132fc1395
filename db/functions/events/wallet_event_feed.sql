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
  select r.id, r.type, s.owner_id,
    case when s.id is not null then wallet.described_event(r.id, r.type, r.wallet_id, s.id) end
  from wallet.event_refs(p_after, p_up_to, p_limit) r
  left join lateral (
    select w.id, w.owner_id
    from unnest(array[r.wallet_id, r.counterparty_wallet_id]) x (wallet_id)
    cross join lateral (select * from wallet.wallets y where y.id = x.wallet_id limit 1) w
    where w.owner_id = any (p_listening)
  ) s on r.type is not null
  order by r.id;
end;
$$;

comment on function public.wallet_event_feed(bigint, bigint, bigint, integer, uuid[]) is
$$ For the service's streams: the next p_limit events after p_after, each once for every wallet that one of p_listening
owns, as its owner sees it, also of wallets that were opened since; for none of them, once without user_id and event. So
its last id tells how far it went.

Errors: WA002 invalid argument; WA024 invalid position; WA035 the service and administrators only. $$;
