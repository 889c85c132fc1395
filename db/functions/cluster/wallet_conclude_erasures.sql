create or replace function public.wallet_conclude_erasures(
  p_transaction_ids bigint[]
)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_rows bigint;
begin
  perform wallet.require_relay();
  perform from wallet.outbox o
  where o.transaction_id = any (p_transaction_ids) and o.erasure = 'due'
  order by o.transaction_id
  for update;
  update wallet.outbox o
  set erasure = 'done'
  where o.transaction_id = any (p_transaction_ids) and o.erasure = 'due';
  get diagnostics v_rows = row_count;
  return v_rows;
end;
$$;

comment on function public.wallet_conclude_erasures(bigint[]) is
$$ For the relay: notes that the recipients' database has erased its copies of the details of these transfers; returns
how many were due.

Errors: WA035 the relay and administrators only. $$;
