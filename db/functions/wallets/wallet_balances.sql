create or replace function public.wallet_balances(
  p_wallet_ids uuid[],
  p_actors uuid[] default null,
  p_key_ids uuid[] default null
)
returns table (
  ordinal integer, wallet_id uuid, asset text, scale smallint, balance bigint, held bigint, available bigint,
  status text
)
language plpgsql
stable
rows 100
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_refusals jsonb[];
begin
  if p_wallet_ids is null or cardinality(p_wallet_ids) > 1000 or cardinality(p_actors) <> cardinality(p_wallet_ids) then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'wallet_ids', 'reason', 'must be at most 1000, with an actor for each'));
  elsif p_actors is null or num_nulls(variadic p_actors) > 0 then
    perform wallet.require_actor(null, 'actors');
  end if;
  if not wallet.is_believed() then
    perform wallet.require_actor(a.id, 'actors') from unnest(p_actors) a (id);
  end if;
  if num_nonnulls(variadic p_key_ids) > 0 then
    perform wallet.require_service();
    if cardinality(p_key_ids) <> cardinality(p_wallet_ids) then
      perform wallet.raise_error('WA002', jsonb_build_object('field', 'key_ids', 'reason', 'must be as many as wallet_ids'));
    end if;
    v_refusals := wallet.key_refusals(p_key_ids, array_fill('read'::text, array[cardinality(p_key_ids)]), p_actors);
  end if;

  return query
  select i.place::integer, w.id, w.asset, (select a.scale from wallet.assets a where a.code = w.asset), b.balance,
    b.held,
    wallet.available(b.balance, b.held, w.floor), w.status
  from unnest(p_wallet_ids, p_actors) with ordinality as i (wallet_id, actor, place)
  cross join lateral (
    select l.*
    from wallet.wallets l
    where l.id = i.wallet_id and wallet.is_visible(l, i.actor) and v_refusals[i.place] is null
    limit 1
  ) w
  cross join lateral (
    select
      coalesce((select n.balance_after from wallet.newest_entry(w.id) n), 0),
      case when w.has_holds then wallet.held(w.id, clock_timestamp()) else 0 end
  ) as b (balance, held)
  order by i.place;
end;
$$;

comment on function public.wallet_balances(uuid[], uuid[], uuid[]) is
$$ The balances now of up to 1,000 user wallets, each as wallet_balance() returns it, with its place in p_wallet_ids;
no row for a wallet that is unknown, not the actor's, or not for the key.

p_actors  for each wallet the user on whose behalf it is read; null for an administrator alone
p_key_ids for each wallet the key of a machine that acts for that user; null, as a whole or per element, for none

Errors: WA002 invalid argument. $$;
