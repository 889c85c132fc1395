create or replace function wallet.account_events(
  p_ids bigint[],
  p_types text[]
)
returns table (place bigint, user_id uuid, created_at timestamptz, data json)
language sql
stable
as $$
  select i.place, a.user_id, a.created_at, json_build_object(
    'user_id', a.user_id,
    'wallet_id', a.wallet_id,
    'asset', (select x.asset from wallet.wallets x where x.id = a.wallet_id),
    'change', a.data,
    'created_at', wallet.moment(a.created_at)
  )
  from unnest(p_ids, p_types) with ordinality as i (id, type, place)
  cross join lateral (select * from wallet.account_events x where x.id = i.id limit 1) a
  where i.type like 'user.%' or i.type like 'wallet.%'
$$;

comment on function wallet.account_events(bigint[], text[]) is
  'The data of events of users and wallets: whose it is, and change, what is so since then.';
