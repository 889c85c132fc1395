create or replace function public.wallet_change_webhook(
  p_webhook_id uuid,
  p_url text,
  p_description text default null,
  p_types text[] default null,
  p_asset text default null,
  p_wallet_id uuid default null,
  p_batch_size integer default 1,
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
  v_before wallet.webhooks;
  v_webhook wallet.webhooks;
begin
  perform wallet.require_operator(p_actor);
  perform wallet.require_webhook(p_url, p_description, p_types, p_asset, p_wallet_id, p_batch_size);
  v_before := wallet.locked_webhook(p_webhook_id);

  update wallet.webhooks w
  set url = p_url, description = p_description, types = wallet.sorted_types(p_types), asset = p_asset,
    wallet_id = p_wallet_id, batch_size = p_batch_size, version = w.version + 1
  where w.id = p_webhook_id
  returning w.* into v_webhook;
  perform wallet.record_action(
    p_actor, 'webhook_changed', null, coalesce(v_webhook.wallet_id, v_before.wallet_id), null,
    wallet.webhook_terms(v_before), wallet.webhook_terms(v_webhook), p_webhook_id
  );
  return next wallet.described_webhook(v_webhook);
end;
$$;

comment on function public.wallet_change_webhook(uuid, text, text, text[], text, uuid, integer, uuid) is
$$ Operators: replaces what is set of a webhook: what is left out ends. It holds for events that the webhook has not got
to yet; those in its backlog are delivered, to p_url. Returns the webhook.

p_webhook_id  of the webhook; the others as for wallet_create_webhook()
p_actor       the operator; null for an administrator

Errors: WA001 unknown wallet; WA002 invalid argument; WA026 unknown asset; WA027 operators only; WA042 unknown
webhook. $$;
