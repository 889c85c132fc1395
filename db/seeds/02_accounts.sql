-- The demo accounts. Running it again changes nothing.
-- Registered like everybody else, so each has a wallet and its sign-up bonus. Of several databases only the one in which
-- a name always lived registers it: others cannot tell whether an older home has it.
with missing as materialized (
  select a.username, a.password_hash
  from wallet.demo_accounts() a
  where not exists (select from wallet.users u where u.username = a.username)
    and not exists (
      select
      from wallet.homes h
      cross join wallet.shard s
      where wallet.home_of(a.username, h.numbers) <> s.number
    )
)
select r.username, r.wallet_id, r.balance
from missing m
cross join lateral public.wallet_register(m.username, m.password_hash) r;
