create or replace function public.wallet_replay_webhook(
  p_webhook_id uuid,
  p_after bigint,
  p_epoch integer default null,
  p_actor uuid default null
)
returns setof wallet.described_webhook
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_position bigint;
  v_webhook wallet.webhooks;
begin
  perform wallet.require_operator(p_actor);
  v_webhook := wallet.locked_webhook(p_webhook_id);
  v_position := v_webhook.position;
  perform wallet.require_replay(p_after, p_epoch, v_position);

  -- what comes after is read from the ledger again
  delete from wallet.webhook_backlog b
  where b.webhook_id = p_webhook_id and b.event_id > p_after;
  delete from wallet.webhook_dead_letters d
  where d.webhook_id = p_webhook_id and d.event_id > p_after;
  update wallet.webhooks w
  set position = p_after, version = w.version + 1
  where w.id = p_webhook_id
  returning w.* into v_webhook;
  perform wallet.record_action(
    p_actor, 'webhook_replayed', null, v_webhook.wallet_id, null, jsonb_build_object('after', v_position),
    jsonb_build_object('after', p_after), p_webhook_id
  );
  return next wallet.described_webhook(v_webhook);
end;
$$;

comment on function public.wallet_replay_webhook(uuid, bigint, integer, uuid) is
$$ Operators: delivers again, in order, all that happened after p_after and that the webhook now asks for; dead letters
of that time, too. Returns the webhook.

p_webhook_id  of the webhook
p_after       the id of an event, 0 for the beginning; not later than how far the webhook is
p_epoch       of the mark under which p_after was read; null is not looked at
p_actor       the operator; null for an administrator

Errors: WA002 invalid argument; WA024 invalid position; WA027 operators only; WA041 the history that p_after is of
has ended before it; WA042 unknown webhook. $$;
