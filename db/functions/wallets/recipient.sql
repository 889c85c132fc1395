create or replace function wallet.recipient(
  p_wallet_id uuid,
  p_username text
)
returns uuid
language sql
stable
as $$
  select r.id
  from wallet.wallets w
  join wallet.users u on u.username = wallet.username(p_username)
  join wallet.wallets r on r.owner_id = u.id and r.asset = w.asset
  where w.id = p_wallet_id
$$;

comment on function wallet.recipient(uuid, text) is
  'The wallet of the user of this name (folded to lower case) in the asset of p_wallet_id; null when there is none.';
