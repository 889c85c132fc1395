create or replace function public.wallet_delete_webhook(
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
  v_described wallet.described_webhook;
begin
  perform wallet.require_operator(p_actor);
  v_webhook := wallet.locked_webhook(p_webhook_id);
  v_described := wallet.described_webhook(v_webhook);

  delete from wallet.webhooks w
  where w.id = p_webhook_id;
  perform wallet.record_action(
    p_actor, 'webhook_deleted', null, v_webhook.wallet_id, null,
    wallet.webhook_terms(v_webhook) || jsonb_build_object('after', v_webhook.position), '{}', p_webhook_id
  );
  return next v_described;
end;
$$;

comment on function public.wallet_delete_webhook(uuid, uuid) is
$$ Operators: deletes a webhook with its secrets, backlog, dead letters and deliveries. What operators did with it stays
on record. Returns it as it was.

p_webhook_id  of the webhook
p_actor       the operator; null for an administrator

Errors: WA002 invalid argument; WA027 operators only; WA042 unknown webhook. $$;
