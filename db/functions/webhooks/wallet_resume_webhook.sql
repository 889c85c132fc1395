create or replace function public.wallet_resume_webhook(
  p_webhook_id uuid,
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
  v_webhook wallet.webhooks;
begin
  perform wallet.require_operator(p_actor);
  v_webhook := wallet.locked_webhook(p_webhook_id);

  if v_webhook.status = 'paused' then
    -- a pause counts for no event: each has the whole time again until it is given up
    update wallet.webhook_backlog b
    set attempts = 0, first_at = null, next_at = null
    where b.webhook_id = p_webhook_id;
    perform wallet.record_action(
      p_actor, 'webhook_resumed', null, v_webhook.wallet_id, null,
      jsonb_build_object('status', 'paused', 'pause_reason', v_webhook.pause_reason), '{"status": "active"}', p_webhook_id
    );
    update wallet.webhooks w
    set status = 'active', pause_reason = null, failures = 0, version = w.version + 1
    where w.id = p_webhook_id
    returning w.* into v_webhook;
  end if;
  return next wallet.described_webhook(v_webhook);
end;
$$;

comment on function public.wallet_resume_webhook(uuid, uuid) is
$$ Operators: goes on delivering where the webhook was paused, at once, and each event has the whole time again until it
is given up. Returns the webhook. One that is active stays as it is.

p_webhook_id  of the webhook
p_actor       the operator; null for an administrator

Errors: WA002 invalid argument; WA027 operators only; WA042 unknown webhook. $$;
