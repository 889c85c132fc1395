create or replace function public.wallet_erased_outbox(
  p_destination smallint,
  p_limit integer
)
returns table (transaction_id bigint)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_relay();
  if p_limit is null or p_limit not between 1 and 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'limit', 'reason', 'must be between 1 and 1000'));
  end if;

  -- one that is in transit may still arrive with details that were read before the erasure
  return query
  select o.transaction_id
  from wallet.outbox o
  where o.destination = p_destination and o.erasure = 'due' and o.status <> 'pending'
  order by o.transaction_id
  limit p_limit;
end;
$$;

comment on function public.wallet_erased_outbox(smallint, integer) is
$$ For the relay: transfers to a database whose details were erased here, for wallet_erase_received() there and then
wallet_conclude_erasures() here.

p_limit  rows, 1 to 1000

Errors: WA002 invalid argument; WA035 the relay and administrators only. $$;
