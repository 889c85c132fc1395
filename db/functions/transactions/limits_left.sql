-- Usage is counted by the hour, so a window begins with its oldest hour: it can be too long, never too short. The
-- planner inlines this: check_limits(), which asks for one kind, reads the usage of that kind alone.
create or replace function wallet.limits_left(
  p_wallet_id uuid,
  p_at timestamptz
)
returns table (kind text, name text, maximum bigint, used numeric, remaining numeric)
language sql
stable
as $$
  select w.kind, w.name, w.maximum, w.used, greatest(w.maximum - w.used, 0)
  from (
    select l.kind, m.name, m.maximum, coalesce((
      select sum(u.amount)
      from wallet.limit_usage u
      where u.wallet_id = p_wallet_id and u.kind = l.kind
        and u.hour >= date_trunc('hour', p_at - m.reach, 'UTC') and m.reach is not null
    ), 0) as used
    from wallet.limits l
    cross join lateral (values
      ('per_transaction', l.per_transaction, null::interval),
      ('per_day', l.per_day, interval '24 hours'),
      ('per_30_days', l.per_30_days, interval '720 hours')
    ) as m (name, maximum, reach)
    where l.wallet_id = p_wallet_id and m.maximum is not null
  ) w
$$;

comment on function wallet.limits_left(uuid, timestamptz) is
  'The limits of a wallet by kind and window, with what counts against each at p_at, the clock, and what is left of it, in minor units; no row for what has no limit.';
