create or replace function public.wallet_webhooks(
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
  order by w.created_at desc, w.id desc;
end;
$$;

comment on function public.wallet_webhooks(uuid) is
$$ Operators: all webhooks, at most 100, newest first, without secrets. Columns as those of wallet_create_webhook().

p_actor       the operator; null for an administrator

Errors: WA002 invalid argument; WA027 operators only. $$;
