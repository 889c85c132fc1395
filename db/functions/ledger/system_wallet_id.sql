-- Derived, because every transaction needs it and a look-up would cost as much as the lock.
create or replace function wallet.system_wallet_id(
  p_asset text,
  p_purpose text
)
returns uuid
language sql
immutable
as $$
  select md5('system wallet ' || p_purpose || ' ' || p_asset)::uuid
$$;

comment on function wallet.system_wallet_id(text, text) is 'The id of the asset''s system wallet for this purpose (a transaction type).';
