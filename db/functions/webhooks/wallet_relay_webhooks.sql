create or replace function public.wallet_relay_webhooks()
returns table (
  id uuid, url text, types text[], asset text, wallet_id uuid, batch_size integer, secret bytea, previous_secret bytea,
  previous_until timestamptz, "position" bigint, version bigint, failures integer, last_success_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  perform wallet.require_service();
  return query
  select w.id, w.url, w.types, w.asset, w.wallet_id, w.batch_size, w.secret, w.previous_secret, w.previous_until,
    w.position, w.version, w.failures, w.last_success_at
  from wallet.webhooks w
  where w.status = 'active'
  order by w.id;
end;
$$;

comment on function public.wallet_relay_webhooks() is
$$ For the relay: the active webhooks with all that it needs to deliver; secrets are encrypted.

Errors: WA035 the service and administrators only. $$;
