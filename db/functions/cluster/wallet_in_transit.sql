create or replace function public.wallet_in_transit()
returns table (destination smallint, asset text, pending bigint, oldest_seconds double precision, amount numeric)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_service();
  return query
  select o.destination, w.asset, count(*),
    extract(epoch from clock_timestamp() - min(o.created_at))::double precision, sum(t.amount)
  from wallet.outbox o
  cross join lateral (select x.amount from wallet.transactions x where x.id = o.transaction_id limit 1) t
  cross join lateral (select x.asset from wallet.wallets x where x.id = o.wallet_id limit 1) w
  where o.status = 'pending'
  group by o.destination, w.asset
  order by o.destination, w.asset;
end;
$$;

comment on function public.wallet_in_transit() is
$$ What is on its way to other databases, by destination and asset: how many transfers are pending, for how many seconds
the oldest one is, and what they amount to, in minor units. No row where nothing is. Linear in what is pending.

Errors: WA035 the service and administrators only. $$;
