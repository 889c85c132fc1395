create or replace function public.wallet_retry_dead_letters(
  p_webhook_id uuid,
  p_event_ids bigint[] default null,
  p_actor uuid default null
)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_webhook wallet.webhooks;
  v_moved bigint;
begin
  perform wallet.require_operator(p_actor);
  if num_nulls(variadic p_event_ids) > 0 or cardinality(p_event_ids) not between 1 and 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'event_ids', 'reason', 'must be 1 to 1000 ids of events'));
  end if;
  v_webhook := wallet.locked_webhook(p_webhook_id);

  with taken as (
    delete from wallet.webhook_dead_letters d
    where d.webhook_id = p_webhook_id and (p_event_ids is null or d.event_id = any (p_event_ids))
    returning d.event_id, d.status, d.error
  ), moved as (
    insert into wallet.webhook_backlog (webhook_id, event_id, status, error)
    select p_webhook_id, t.event_id, t.status, t.error
    from taken t
    on conflict on constraint webhook_backlog_pkey do nothing
  )
  select count(*) into v_moved
  from taken;
  if v_moved > 0 then
    update wallet.webhooks w
    set version = w.version + 1
    where w.id = p_webhook_id;
    perform wallet.record_action(
      p_actor, 'webhook_retried', null, v_webhook.wallet_id, p_webhook_id => p_webhook_id,
      p_detail => jsonb_build_object('dead_letters', v_moved)
    );
  end if;
  return v_moved;
end;
$$;

comment on function public.wallet_retry_dead_letters(uuid, bigint[], uuid) is
$$ Operators: dead letters are delivered again, at once, and given up again only after the whole time. Returns how many:
0 where none of them is a dead letter. They reach the receiver later than what happened after them.

p_webhook_id  of the webhook
p_event_ids   1 to 1,000 events; null for all dead letters
p_actor       the operator; null for an administrator

Errors: WA002 invalid argument; WA027 operators only; WA042 unknown webhook. $$;
