create or replace function wallet.webhook_terms(
  p_webhook wallet.webhooks
)
returns jsonb
language sql
stable
as $$
  select jsonb_build_object(
    'url', p_webhook.url, 'description', p_webhook.description, 'types', to_jsonb(p_webhook.types),
    'asset', p_webhook.asset, 'wallet_id', p_webhook.wallet_id, 'batch_size', p_webhook.batch_size
  )
$$;

comment on function wallet.webhook_terms(wallet.webhooks) is 'What operators set of a webhook, as it goes on record.';
