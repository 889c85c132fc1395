create or replace function public.wallet_relay_events(
  p_after bigint,
  p_up_to bigint,
  p_fence bigint,
  p_limit integer
)
returns table (
  id bigint, type text, wallet_id uuid, counterparty_wallet_id uuid, asset text, happened_at timestamptz
)
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
  if not public.wallet_event_settled(p_fence) then
    return;
  end if;

  return query
  select r.id, r.type, r.wallet_id, r.counterparty_wallet_id,
    (select w.asset from wallet.wallets w where w.id = r.wallet_id), wallet.event_time(r.id)
  from wallet.event_refs(p_after, p_up_to, p_limit) r
  order by r.id;
end;
$$;

comment on function public.wallet_relay_events(bigint, bigint, bigint, integer) is
$$ For the relay: the next p_limit rows after p_after, by which it finds what each webhook asks for. Those without a
type are no events: they tell how far it went. wallet_events_by_id() describes them.

Errors: WA002 invalid argument; WA024 invalid position; WA035 the service and administrators only. $$;
