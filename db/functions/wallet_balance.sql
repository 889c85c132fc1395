create or replace function public.wallet_balance(
  p_wallet_id uuid,
  p_actor uuid default null
)
returns table (wallet_id uuid, asset text, scale smallint, balance bigint, available bigint)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select p_wallet_id, r.asset, r.scale, coalesce(n.balance_after, 0), coalesce(n.balance_after, 0)
  from wallet.require_wallet(p_wallet_id, p_actor) r
  left join lateral wallet.newest_entry(p_wallet_id) n on true
$$;

comment on function public.wallet_balance(uuid, uuid) is
$$ The balance of a user wallet now: the sum of its ledger entries, read from the newest one.

p_actor the user on whose behalf it is called; required of the service, null for an administrator

balance is everything in the wallet, available what can be spent now; both in minor units of asset.
Errors: WA001 unknown wallet; WA002 invalid argument. $$;
