create or replace function wallet.held(
  p_wallet_id uuid,
  p_at timestamptz
)
returns bigint
language sql
stable
as $$
  select coalesce(sum(h.amount - h.captured), 0)::bigint
  from wallet.holds h
  where h.wallet_id = p_wallet_id and h.status = 'open' and h.expires_at > p_at
$$;

comment on function wallet.held(uuid, timestamptz) is
  'What holds that are neither ended nor due at p_at, the clock, set aside in the wallet, in minor units.';
