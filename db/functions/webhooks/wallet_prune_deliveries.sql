create or replace function public.wallet_prune_deliveries()
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  c_kept constant interval := '7 days';
  c_kept_rows constant integer := 10000;
  c_at_once constant integer := 10000;
  v_until constant timestamptz := clock_timestamp() - c_kept;
  v_old bigint;
  v_many bigint;
begin
  perform wallet.require_service();
  delete from wallet.webhook_deliveries d
  where d.id in (
    select x.id
    from wallet.webhook_deliveries x
    where x.created_at < v_until
    order by x.created_at
    limit c_at_once
  );
  get diagnostics v_old = row_count;

  delete from wallet.webhook_deliveries d
  using (
    select p.id
    from wallet.webhooks w
    cross join lateral (
      select x.id
      from wallet.webhook_deliveries x
      where x.webhook_id = w.id
      order by x.webhook_id desc, x.id desc
      offset c_kept_rows
      limit c_at_once
    ) p
  ) p
  where d.id = p.id;
  get diagnostics v_many = row_count;
  return v_old + v_many;
end;
$$;

comment on function public.wallet_prune_deliveries() is
$$ For the relay: removes from the log of deliveries what is older than 7 days, and what a webhook has beyond 10,000
rows; at most 10,000 rows of each in a call. Returns how many.

Errors: WA035 the service and administrators only. $$;
