create or replace function public.wallet_test_webhook(
  p_webhook_id uuid,
  p_actor uuid default null
)
returns table (url text, secret bytea, previous_secret bytea, batch_size integer, event_id text, event json)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_webhook wallet.webhooks;
  v_event_id constant text := 'test-' || gen_random_uuid();
begin
  perform wallet.require_operator(p_actor);
  perform wallet.require_service();
  select w.* into v_webhook
  from wallet.webhooks w
  where w.id = p_webhook_id;
  if not found then
    perform wallet.raise_error('WA042', jsonb_build_object('webhook_id', p_webhook_id));
  end if;

  perform wallet.record_action(p_actor, 'webhook_tested', null, v_webhook.wallet_id, p_webhook_id => p_webhook_id);
  return query
  select v_webhook.url, v_webhook.secret,
    case when v_webhook.previous_until > (select clock_timestamp()) then v_webhook.previous_secret end,
    v_webhook.batch_size, v_event_id,
    json_build_object(
      'specversion', '1.0',
      'id', v_event_id,
      'source', 'urn:uuid:' || (select i.source_id from wallet.installation i),
      'type', 'pgwallet.webhook.test',
      'subject', p_webhook_id,
      'time', wallet.moment(clock_timestamp()),
      'datacontenttype', 'application/json',
      'data', json_build_object('webhook_id', p_webhook_id, 'description', v_webhook.description)
    );
end;
$$;

comment on function public.wallet_test_webhook(uuid, uuid) is
$$ For the service and its command: what a test delivery needs. That there was one goes on record; it is no event of the
ledger, and its id begins with test-. Secrets come encrypted; secret is null where the relay has made none yet.

p_webhook_id  of the webhook
p_actor       the operator; null for an administrator

Errors: WA002 invalid argument; WA027 operators only; WA035 the service and administrators only; WA042 unknown
webhook. $$;
