create or replace function public.wallet_relay_take()
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
  update wallet.webhooks w
  set version = w.version + 1;
end;
$$;

comment on function public.wallet_relay_take() is
$$ For a relay that has just taken the lead: raises every webhook's version, so that progress of the relay before it,
which may not know yet, is refused.

Errors: WA035 the service and administrators only. $$;
