create or replace function wallet.other_wallet_id(
  p_type text,
  p_counterparty_id uuid,
  p_asset text
)
returns uuid
language sql
stable
as $$
  select case
    when p_type = 'transfer' and wallet.is_here(p_counterparty_id) then p_counterparty_id
    else wallet.system_wallet_id(p_asset, p_type)
  end
$$;

comment on function wallet.other_wallet_id(text, uuid, text) is
  'The wallet that has a transaction''s other entry: of a transfer inside this database the recipient''s, of all else the system wallet of the type.';
