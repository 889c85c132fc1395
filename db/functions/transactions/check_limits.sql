-- Usage is counted by the hour, so a window begins with its oldest hour: it can be too long, never too short.
create or replace function wallet.check_limits(
  p_wallet_id uuid,
  p_type text,
  p_amount bigint,
  p_at timestamptz
)
returns jsonb
language sql
stable
as $$
  select jsonb_build_object(
    'field', 'amount', 'wallet_id', p_wallet_id, 'kind', w.kind, 'limit', w.name, 'maximum', w.maximum, 'left', greatest(w.maximum - w.used, 0)
  )
  from (
    select l.kind, m.name, m.maximum, coalesce((
      select sum(u.amount)
      from wallet.limit_usage u
      where u.wallet_id = p_wallet_id and u.kind = l.kind
        and u.hour >= date_trunc('hour', p_at - m.reach, 'UTC') and m.reach is not null
    ), 0) as used
    from wallet.limits l
    cross join lateral (values
      (1, 'per_transaction', l.per_transaction, null::interval),
      (2, 'per_day', l.per_day, interval '24 hours'),
      (3, 'per_30_days', l.per_30_days, interval '720 hours')
    ) as m (place, name, maximum, reach)
    where l.wallet_id = p_wallet_id and l.kind = wallet.limit_kind(p_type) and m.maximum is not null
    order by m.place
  ) w
  where w.used + p_amount > w.maximum
  limit 1
$$;

comment on function wallet.check_limits(uuid, text, bigint, timestamptz) is
  'The limit of the wallet that this amount would pass, with what is left of it: the detail of WA014; null when none.';
