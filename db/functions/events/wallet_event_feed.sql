create or replace function public.wallet_event_feed(
  p_after bigint,
  p_up_to bigint,
  p_fence bigint,
  p_limit integer,
  p_listening uuid[]
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
  perform wallet.require_service();
  perform wallet.require_page(p_after, p_up_to, p_limit, null, null);
  if p_listening is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'listening', 'reason', 'must not be null'));
  elsif not public.wallet_event_settled(p_fence) then
    return;
  end if;

  return query
  select r.id, r.type, s.wallet_id,
    case when s.wallet_id is not null then wallet.described_event(r.id, r.type, r.wallet_id, s.wallet_id) end
  from wallet.event_refs(p_after, p_up_to, p_limit) r
  left join lateral unnest(array[r.wallet_id, r.counterparty_wallet_id]) s (wallet_id)
    on s.wallet_id = any (p_listening) and r.type is not null
  order by r.id;
end;
$$;

comment on function public.wallet_event_feed(bigint, bigint, bigint, integer, uuid[]) is
$$ For the service's streams: the next p_limit events after p_after, each once for every wallet of p_listening that it
is of, as that wallet's owner sees it; for none of them, once without wallet and event: the last id tells how far it
went.

Errors: WA002 invalid argument; WA024 invalid position; WA035 the service and administrators only. $$;
