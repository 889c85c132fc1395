create or replace function wallet.account_event(
  p_id bigint
)
returns json
language sql
stable
as $$
  select json_build_object(
    'user_id', a.user_id,
    'wallet_id', a.wallet_id,
    'asset', w.asset,
    'change', a.data,
    'created_at', wallet.moment(a.created_at)
  )
  from wallet.account_events a
  left join lateral (select x.asset from wallet.wallets x where x.id = a.wallet_id limit 1) w on true
  where a.id = p_id
$$;

comment on function wallet.account_event(bigint) is
  'The data of an event of a user or a wallet: whose it is, and change, what is so since then.';
