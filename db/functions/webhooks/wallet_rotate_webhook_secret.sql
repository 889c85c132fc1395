create or replace function public.wallet_rotate_webhook_secret(
  p_webhook_id uuid,
  p_secret bytea,
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
  c_both constant interval := '24 hours';
  v_now constant timestamptz := clock_timestamp();
  v_webhook wallet.webhooks;
begin
  perform wallet.require_operator(p_actor);
  if p_secret is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'secret', 'reason', 'must not be null'));
  end if;
  perform wallet.require_secret(p_secret);
  v_webhook := wallet.locked_webhook(p_webhook_id);

  if v_webhook.secret is distinct from p_secret then
    update wallet.webhooks w
    set secret = p_secret, previous_secret = w.secret,
      previous_until = case when w.secret is not null then v_now + c_both end, version = w.version + 1
    where w.id = p_webhook_id
    returning w.* into v_webhook;
    perform wallet.record_action(
      p_actor, 'webhook_secret', null, v_webhook.wallet_id, p_webhook_id => p_webhook_id,
      p_detail => jsonb_build_object('previous_until', v_webhook.previous_until)
    );
  end if;
  return next wallet.described_webhook(v_webhook);
end;
$$;

comment on function public.wallet_rotate_webhook_secret(uuid, bytea, uuid) is
$$ Operators: another secret signs deliveries. The one before signs them, too, for 24 hours; one that was before that
ends. Returns the webhook.

p_webhook_id  of the webhook
p_secret      encrypted as the service does it, 1 to 1024 bytes; the present one changes nothing
p_actor       the operator; null for an administrator

Errors: WA002 invalid argument; WA027 operators only; WA042 unknown webhook. $$;
