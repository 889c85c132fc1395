create or replace function public.wallet_redrive(
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
  perform wallet.require_trust();
  perform from wallet.outbox o
  where o.transaction_id = any (p_transaction_ids) and o.status = 'delivered'
  order by o.transaction_id
  for update;
  update wallet.outbox o
  set status = 'pending', concluded_at = null, erasure = case when o.erasure is not null then 'due' end
  where o.transaction_id = any (p_transaction_ids) and o.status = 'delivered';
  get diagnostics v_rows = row_count;
  return v_rows;
end;
$$;

comment on function public.wallet_redrive(bigint[]) is
$$ Puts transfers that were delivered in transit again, and returns how many: for those whose recipient's database was
restored to before it received them. One that it does know is not credited twice: it is delivered again, and that is
all. Details that were erased here are erased there once more.
For administrators.

Errors: WA035 administrators only. $$;
