create or replace function public.wallet_me(
  p_user_id uuid,
  p_actor uuid default null
)
returns table (
  id uuid, username text, role text, created_at timestamptz, last_sign_in_at timestamptz, wallets jsonb
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_owner(p_user_id, p_actor, null);

  return query
  select u.id, u.username, u.role, u.created_at, u.last_sign_in_at, coalesce((
    select jsonb_agg(
      to_jsonb(l) || jsonb_build_object(
        'floor', w.floor, 'max_balance', w.max_balance,
        'limits', case when w.has_limits then wallet.described_limits(w.id, clock_timestamp()) else '{}' end
      )
      order by l.asset
    )
    from public.wallet_list(p_user_id, p_actor) l
    cross join lateral (
      select o.*
      from wallet.wallets o
      where o.id = l.wallet_id
      limit 1
    ) w
  ), '[]')
  from wallet.users u
  where u.id = p_user_id;
end;
$$;

comment on function public.wallet_me(uuid, uuid) is
$$ A user, as stored now, with the wallets as wallet_list() has them; each with its floor and max_balance (null: none of
its own), and its limits by kind and window: {"spend": {"per_day": {"maximum", "used", "left"}}}, in minor units.

p_actor the user on whose behalf it is called, who must be that user; null for an administrator alone

Errors: WA002 invalid argument; WA029 unknown user. $$;
