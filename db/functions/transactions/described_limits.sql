create or replace function wallet.described_limits(
  p_wallet_id uuid,
  p_at timestamptz
)
returns jsonb
language sql
stable
as $$
  select coalesce(jsonb_object_agg(k.kind, k.windows), '{}')
  from (
    select l.kind, jsonb_object_agg(
      l.name, jsonb_build_object('maximum', l.maximum, 'used', least(l.used, wallet.max_amount()), 'left', l.remaining)
    ) as windows
    from wallet.limits_left(p_wallet_id, p_at) l
    group by l.kind
  ) k
$$;

comment on function wallet.described_limits(uuid, timestamptz) is
  'What wallet.limits_left() finds, as JSON: {"spend": {"per_day": {"maximum", "used", "left"}}}; used is shown up to 9007199254740991.';
