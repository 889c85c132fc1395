create or replace function wallet.count_usage(
  p_wallet_id uuid,
  p_type text,
  p_amount bigint,
  p_at timestamptz
)
returns void
language sql
volatile
as $$
  insert into wallet.limit_usage as u (wallet_id, kind, hour, amount)
  select p_wallet_id, wallet.limit_kind(p_type), date_trunc('hour', p_at, 'UTC'), p_amount
  where wallet.limit_kind(p_type) is not null
  on conflict on constraint limit_usage_pkey do update set amount = u.amount + excluded.amount
$$;

comment on function wallet.count_usage(uuid, text, bigint, timestamptz) is 'Adds to what has moved in the hour; the wallet is locked by the caller.';
