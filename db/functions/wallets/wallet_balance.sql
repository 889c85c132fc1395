create or replace function public.wallet_balance(
  p_wallet_id uuid,
  p_actor uuid default null,
  p_key_id uuid default null
)
returns table (wallet_id uuid, asset text, scale smallint, balance bigint, held bigint, available bigint, status text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select p_wallet_id, r.asset, r.scale, b.balance, b.held, wallet.available(b.balance, b.held, r.floor), r.status
  from wallet.require_wallet(p_wallet_id, p_actor, p_key_id) r
  cross join lateral (
    select
      coalesce((select n.balance_after from wallet.newest_entry(p_wallet_id) n), 0),
      case when r.has_holds then wallet.held(p_wallet_id, clock_timestamp()) else 0 end
  ) as b (balance, held)
$$;

comment on function public.wallet_balance(uuid, uuid, uuid) is
$$ The balance of a user wallet now: the sum of its ledger entries, read from the newest one.

p_actor the user on whose behalf it is called; null for an administrator alone
p_key_id the key of a machine that acts for that user; null for none

balance is everything in the wallet, held what open holds set aside, available what can be spent now, down to the
wallet's floor; all in minor units of asset.
Errors: WA001 unknown wallet; WA002 invalid argument; WA047 not for this key. $$;
