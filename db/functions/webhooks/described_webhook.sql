create or replace function wallet.described_webhook(
  p_webhook wallet.webhooks
)
returns wallet.described_webhook
language sql
volatile
as $$
  select jsonb_populate_record(
    null::wallet.described_webhook,
    to_jsonb(p_webhook) - '{secret,previous_secret}'::text[] || to_jsonb(u) || jsonb_build_object(
      'previous_until', case
        when p_webhook.previous_until > (select clock_timestamp()) then p_webhook.previous_until
      end,
      'actor_username', (select x.username from wallet.users x where x.id = p_webhook.actor)
    )
  )
  from wallet.undelivered(p_webhook) u
$$;

comment on function wallet.described_webhook(wallet.webhooks) is 'A webhook as operators are shown it, without secrets.';
