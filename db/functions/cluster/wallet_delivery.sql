create or replace function public.wallet_delivery(
  p_wallet_id uuid,
  p_txn_id uuid,
  p_actor uuid default null
)
returns table (delivery text, code text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_wallet(p_wallet_id, p_actor);
  return query
  select o.status, o.code
  from wallet.transactions t
  join wallet.outbox o on o.transaction_id = t.id
  where t.wallet_id = p_wallet_id and t.txn_id = p_txn_id;
end;
$$;

comment on function public.wallet_delivery(uuid, uuid, uuid) is
$$ How far a transfer to a wallet of another database is: pending, delivered or returned, then with the code that
refused it. No row for any other txn_id.

p_actor the user on whose behalf it is called; null for an administrator alone

Errors: WA001 unknown wallet; WA002 invalid argument. $$;
