create or replace function public.wallet_webhook_dead_letters(
  p_webhook_id uuid,
  p_limit integer default 50,
  p_before_id bigint default null,
  p_actor uuid default null
)
returns table (
  event_id bigint, attempts integer, first_at timestamptz, last_at timestamptz, status integer, error text
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
  perform wallet.require_webhook_page(p_webhook_id, p_limit, p_before_id, p_actor);
  return query
  select d.event_id, d.attempts, d.first_at, d.last_at, d.status, d.error
  from wallet.webhook_dead_letters d
  where d.webhook_id = p_webhook_id and d.event_id < coalesce(p_before_id, 9223372036854775807)
  order by d.webhook_id desc, d.event_id desc
  limit p_limit;
end;
$$;

comment on function public.wallet_webhook_dead_letters(uuid, integer, bigint, uuid) is
$$ Operators: events that were given up, as the webhook answered for too long with errors; newest first, a page at a
time.

p_webhook_id  of the webhook
p_limit       rows in the page, 1 to 1000
p_before_id   the event_id of the last row of the page before; null for the newest page
p_actor       the operator; null for an administrator

attempts from first_at to last_at; status and error of the last one, as in wallet_webhook_deliveries().
Errors: WA002 invalid argument; WA024 invalid cursor; WA027 operators only; WA042 unknown webhook. $$;
