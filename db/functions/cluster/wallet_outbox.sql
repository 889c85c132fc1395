create or replace function public.wallet_outbox(
  p_destination smallint,
  p_limit integer,
  p_after_to_wallet_id uuid default null,
  p_after_id bigint default null
)
returns table (
  transaction_id bigint, from_wallet_id uuid, to_wallet_id uuid, amount bigint, asset text, reference text,
  metadata jsonb, effective_at timestamptz, created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  perform wallet.require_relay();
  if p_limit is null or p_limit not between 1 and 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'limit', 'reason', 'must be between 1 and 1000'));
  end if;

  return query
  select o.transaction_id, o.wallet_id, o.to_wallet_id, t.amount, w.asset, d.reference, d.metadata, d.effective_at,
    o.created_at
  from (
    select *
    from wallet.outbox x
    where x.destination = p_destination and x.status = 'pending'
      and (x.to_wallet_id, x.transaction_id)
        > (coalesce(p_after_to_wallet_id, '00000000-0000-0000-0000-000000000000'), coalesce(p_after_id, 0))
    order by x.to_wallet_id, x.transaction_id
    limit p_limit
  ) o
  cross join lateral (select x.amount from wallet.transactions x where x.id = o.transaction_id limit 1) t
  cross join lateral (select x.asset from wallet.wallets x where x.id = o.wallet_id limit 1) w
  left join lateral (
    select *
    from wallet.transaction_details x
    where x.transaction_id = o.transaction_id
    limit 1
  ) d on true
  order by o.to_wallet_id, o.transaction_id;
end;
$$;

comment on function public.wallet_outbox(smallint, integer, uuid, bigint) is
$$ For the relay: transfers that are in transit to a database, by recipient's wallet and number, for wallet_receive()
there.

p_destination  the number of the database
p_limit        rows, 1 to 1000
p_after_to_wallet_id, p_after_id  to_wallet_id and transaction_id of the last row before; null for the first. One that
               cannot be returned, because its sender's wallet is full, stays in transit: go on after it

amount is in minor units of asset. Errors: WA002 invalid argument; WA035 the relay and administrators only. $$;
