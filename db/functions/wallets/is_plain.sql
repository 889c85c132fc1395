-- wallets.is_plain is generated from the row by the same expression, so nobody can set it; a test holds the two equal for all that
-- a row can say. The flags follow other tables (holds, limits, erasures): wallet_verify() compares those, too.
create or replace function wallet.is_plain(
  p_wallet wallet.wallets
)
returns boolean
language sql
immutable
as $$
  select p_wallet.kind = 'user' and p_wallet.status = 'active' and p_wallet.floor = 0 and p_wallet.max_balance is null
    and not p_wallet.has_holds and not p_wallet.has_limits and not p_wallet.is_erased
$$;

comment on function wallet.is_plain(wallet.wallets) is
  'True where nothing but the balance can refuse a top-up or spend, and all that it writes is a transaction, its entries and its details: such requests take the short way.';
