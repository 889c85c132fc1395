-- Demo accounts: alice/password123, bob/password456, charlie/password789. Running it again changes nothing.
-- Registered like everybody else, so each has a wallet and its sign-up bonus.
with missing as materialized (
  select a.username, a.password_hash
  from (values
    ('alice', '$2b$12$MWvyCrGE8E5rjrTShkps5.MNOrasc3nC0dmmQBRC48BnexuI1y/dq'),
    ('bob', '$2b$12$4y7y/9z2m/hxQ0pfaVUZM.kysBSoHJRSeLdGMgWkcewPFjtxtA2m.'),
    ('charlie', '$2b$12$ohlRlTOQaWf9hm0ObntNBefVYG6yJlnZ4HXu1PKYa6wKqLGAovzh.')
  ) as a (username, password_hash)
  where not exists (select from wallet.users u where u.username = a.username)
)
select r.username, r.wallet_id, r.balance
from missing m
cross join lateral public.wallet_register(m.username, m.password_hash) r;
