create or replace function wallet.is_elsewhere(
  p_wallet_id uuid
)
returns boolean
language sql
stable
as $$
  select wallet.number_of(p_wallet_id) <> s.number
    and exists (select from wallet.homes h where wallet.number_of(p_wallet_id) = any (h.numbers))
  from wallet.shard s
$$;

comment on function wallet.is_elsewhere(uuid) is
  'True for the id of a wallet that another database of this cluster has made.';
