create or replace function wallet.check_hold(
  p_hold wallet.holds,
  p_at timestamptz
)
returns text
language sql
immutable
as $$
  select case
    when p_hold.id is null then 'WA015'
    when p_hold.status = 'captured' then 'WA016'
    when p_hold.status = 'voided' then 'WA017'
    when p_hold.status = 'expired' or p_hold.expires_at <= p_at then 'WA018'
  end
$$;

comment on function wallet.check_hold(wallet.holds, timestamptz) is
  'The code that refuses to capture or void this hold at p_at, judged under the wallet''s lock, or null.';
