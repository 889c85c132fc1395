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
    'field', 'amount', 'wallet_id', p_wallet_id, 'kind', w.kind, 'limit', w.name, 'maximum', w.maximum, 'left', w.remaining
  )
  from wallet.limits_left(p_wallet_id, p_at) w
  where w.kind = wallet.limit_kind(p_type) and w.used + p_amount > w.maximum
  order by array_position(array['per_transaction', 'per_day', 'per_30_days'], w.name)
  limit 1
$$;

comment on function wallet.check_limits(uuid, text, bigint, timestamptz) is
  'The limit of the wallet that this amount would pass, with what is left of it: the detail of WA014; null when none.';
