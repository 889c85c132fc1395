create or replace function public.wallet_webhook_deliveries(
  p_webhook_id uuid,
  p_limit integer default 50,
  p_before_id bigint default null,
  p_actor uuid default null
)
returns table (
  id bigint, first_event_id bigint, last_event_id bigint, events integer, attempt integer, outcome text, status integer,
  error text, milliseconds integer, answer text, created_at timestamptz
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
  select d.id, d.first_event_id, d.last_event_id, d.events, d.attempt, d.outcome, d.status, d.error, d.milliseconds,
    d.answer, d.created_at
  from wallet.webhook_deliveries d
  where d.webhook_id = p_webhook_id and d.id < coalesce(p_before_id, 9223372036854775807)
  order by d.webhook_id desc, d.id desc
  limit p_limit;
end;
$$;

comment on function public.wallet_webhook_deliveries(uuid, integer, bigint, uuid) is
$$ Operators: the log of a webhook's deliveries, newest first, a page at a time. It is pruned.

p_webhook_id  of the webhook
p_limit       rows in the page, 1 to 1000
p_before_id   the id of the last row of the page before; null for the newest page
p_actor       the operator; null for an administrator

events: how many from first_event_id to last_event_id. attempt: the first is 1. outcome: delivered or failed. status
of the HTTP answer; without one it is null, and error says why. answer: the first 1,024 bytes of it.
Errors: WA002 invalid argument; WA024 invalid cursor; WA027 operators only; WA042 unknown webhook. $$;
