create or replace function public.wallet_recipients(
  p_wallet_id uuid,
  p_usernames text[],
  p_actor uuid default null
)
returns table (username text, wallet_id uuid)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_wallet(p_wallet_id, p_actor, null);

  return query
  select u.name, r.id
  from unnest(p_usernames) as u (name)
  cross join lateral wallet.recipient(p_wallet_id, u.name) as r (id)
  where r.id is not null;
end;
$$;

comment on function public.wallet_recipients(uuid, text[], uuid) is
$$ The wallets that transfers from a wallet to these users go to, for wallet_batch(), which takes ids: the users'
wallets in the asset of p_wallet_id. No row for a name that is unknown or has no such wallet.

p_actor the user on whose behalf it is called, who must be the owner; null for an administrator alone

Errors: WA001 unknown wallet; WA002 invalid argument. $$;
