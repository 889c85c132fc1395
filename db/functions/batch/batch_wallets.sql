create or replace function wallet.batch_wallets(
  p_wallet_ids uuid[],
  p_to_wallet_ids uuid[],
  p_actors uuid[]
)
returns table (id uuid)
language sql
volatile
rows 1000
as $$
  select unnest(array[i.wallet_id, i.to_wallet_id])
  from unnest(p_wallet_ids, p_to_wallet_ids, p_actors) as i (wallet_id, to_wallet_id, actor)
  -- the limit keeps the planner from reading all wallets
  cross join lateral (
    select
    from wallet.wallets w
    where w.id = i.wallet_id and wallet.is_visible(w, i.actor) and (i.actor is not null or wallet.is_trusted())
    limit 1
  ) as own
$$;

comment on function wallet.batch_wallets(uuid[], uuid[], uuid[]) is
  'The wallets that the items of a batch may touch: those of their actors, and the recipients of transfers from these.';
