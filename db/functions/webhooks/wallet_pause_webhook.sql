create or replace function public.wallet_pause_webhook(
  p_webhook_id uuid,
  p_reason text default null,
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
  if length(p_reason) not between 1 and 256 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'reason', 'reason', 'must have 1 to 256 characters'));
  end if;
  v_webhook := wallet.locked_webhook(p_webhook_id);

  if v_webhook.status = 'active' then
    update wallet.webhooks w
    set status = 'paused', pause_reason = p_reason, version = w.version + 1
    where w.id = p_webhook_id
    returning w.* into v_webhook;
    perform wallet.record_action(
      p_actor, 'webhook_paused', null, v_webhook.wallet_id, p_reason, '{"status": "active"}', '{"status": "paused"}', p_webhook_id
    );
  end if;
  return next wallet.described_webhook(v_webhook);
end;
$$;

comment on function public.wallet_pause_webhook(uuid, text, uuid) is
$$ Operators: nothing is delivered to the webhook until it is resumed; events wait, and none is lost. Returns it. One
that is paused stays as it is.

p_webhook_id  of the webhook
p_reason      1 to 256 characters, or null; shown with the webhook, and on record
p_actor       the operator; null for an administrator

Errors: WA002 invalid argument; WA027 operators only; WA042 unknown webhook. $$;
