create or replace function public.wallet_list(
  p_owner_id uuid,
  p_actor uuid default null,
  p_key_id uuid default null
)
returns table (
  wallet_id uuid, asset text, scale smallint, status text, balance bigint, held bigint, available bigint,
  created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_owner(p_owner_id, p_actor, p_key_id);

  return query
  select w.id, w.asset, a.scale, w.status, b.balance, b.held, wallet.available(b.balance, b.held, w.floor), w.created_at
  from wallet.wallets w
  join wallet.assets a on a.code = w.asset
  cross join lateral (
    select
      coalesce((select n.balance_after from wallet.newest_entry(w.id) n), 0),
      case when w.has_holds then wallet.held(w.id, clock_timestamp()) else 0 end
  ) as b (balance, held)
  where w.owner_id = p_owner_id
  order by w.asset;
end;
$$;

comment on function public.wallet_list(uuid, uuid, uuid) is
$$ The wallets of a user, by asset, with balance, held and available in minor units.

p_actor the user on whose behalf it is called, who must be the owner; null for an administrator alone
p_key_id the key of a machine that acts for that user; null for none

Errors: WA002 invalid argument; WA029 unknown user; WA047 not for this key. $$;
