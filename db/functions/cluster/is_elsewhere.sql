create or replace function wallet.is_elsewhere(
  p_wallet_id uuid
)
returns boolean
language sql
stable
as $$
  select not wallet.is_here(p_wallet_id)
    and exists (select from wallet.homes h where wallet.number_of(p_wallet_id) = any (h.numbers))
$$;

comment on function wallet.is_elsewhere(uuid) is
  'True for the id of a wallet that another database of this cluster has made.';
