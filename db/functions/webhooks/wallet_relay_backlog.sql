create or replace function public.wallet_relay_backlog(
  p_webhook_id uuid,
  p_limit integer
)
returns table (
  id bigint, type text, wallet_id uuid, counterparty_wallet_id uuid, happened_at timestamptz, attempts integer,
  first_at timestamptz, next_at timestamptz, status integer, error text
)
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
  perform wallet.require_page(0, 0, p_limit, null, null);

  return query
  select b.event_id, r.type, r.wallet_id, r.counterparty_wallet_id, wallet.event_time(b.event_id), b.attempts,
    b.first_at, b.next_at, b.status, b.error
  from (
    select l.*
    from wallet.webhook_backlog l
    where l.webhook_id = p_webhook_id
    order by l.webhook_id, l.event_id
    limit p_limit
  ) b
  left join lateral wallet.event_refs(b.event_id - 1, b.event_id, 1) r on true
  order by b.event_id;
end;
$$;

comment on function public.wallet_relay_backlog(uuid, integer) is
$$ For the relay: the oldest p_limit events that a webhook has got to and that are not delivered, and whose they are.

Errors: WA002 invalid argument; WA035 the service and administrators only. $$;
