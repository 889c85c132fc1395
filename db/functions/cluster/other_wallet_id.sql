-- An expression, so that it is inlined where it is called.
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
    when p_type = 'transfer' and wallet.number_of(p_counterparty_id) = (select s.number from wallet.shard s)
      then p_counterparty_id
    else wallet.system_wallet_id(p_asset, p_type)
  end
$$;

comment on function wallet.other_wallet_id(text, uuid, text) is
  'The wallet that has a transaction''s other entry: of a transfer inside this database the recipient''s, of all else the system wallet of the type.';
