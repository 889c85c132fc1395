-- The demo accounts. Running it again changes nothing.
-- Registered like everybody else, so each has a wallet and its sign-up bonus.
with missing as materialized (
  select a.username, a.password_hash
  from wallet.demo_accounts() a
  where not exists (select from wallet.users u where u.username = a.username)
)
select r.username, r.wallet_id, r.balance
from missing m
cross join lateral public.wallet_register(m.username, m.password_hash) r;
