create or replace function public.wallet_deliveries(
  p_wallet_id uuid,
  p_txn_ids uuid[],
  p_actor uuid default null
)
returns table (txn_id uuid, delivery text, code text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_wallet(p_wallet_id, p_actor, null);
  if cardinality(p_txn_ids) > 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'txn_ids', 'reason', 'must be at most 1000'));
  end if;
  return query
  select t.txn_id, o.status, o.code
  from wallet.transactions t
  join wallet.outbox o on o.transaction_id = t.id
  where t.wallet_id = p_wallet_id and t.txn_id = any (p_txn_ids);
end;
$$;

comment on function public.wallet_deliveries(uuid, uuid[], uuid) is
$$ How far transfers to wallets of other databases are: pending, delivered or returned, then with the code that refused
it. No row for any other txn_id.

p_txn_ids  at most 1,000
p_actor    the user on whose behalf it is called; null for an administrator alone

Errors: WA001 unknown wallet; WA002 invalid argument. $$;
