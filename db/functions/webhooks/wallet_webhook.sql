create or replace function public.wallet_webhook(
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
begin
  perform wallet.require_operator(p_actor);
  return query
  select d.*
  from wallet.webhooks w
  cross join lateral wallet.described_webhook(w) d
  where w.id = p_webhook_id;
  if not found then
    perform wallet.raise_error('WA042', jsonb_build_object('webhook_id', p_webhook_id));
  end if;
end;
$$;

comment on function public.wallet_webhook(uuid, uuid) is
$$ Operators: one webhook, without its secrets. Columns as those of wallet_create_webhook().

p_webhook_id  of the webhook
p_actor       the operator; null for an administrator

Errors: WA002 invalid argument; WA027 operators only; WA042 unknown webhook. $$;
