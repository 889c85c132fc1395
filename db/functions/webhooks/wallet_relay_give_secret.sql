create or replace function public.wallet_relay_give_secret(
  p_webhook_id uuid,
  p_secret bytea
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_service();
  perform wallet.require_secret(p_secret);
  update wallet.webhooks w
  set secret = p_secret, version = w.version + 1
  where w.id = p_webhook_id and w.secret is null;
end;
$$;

comment on function public.wallet_relay_give_secret(uuid, bytea) is
$$ For the relay: a first secret, encrypted, for a webhook that was made without one.

Errors: WA002 invalid argument; WA035 the service and administrators only. $$;
