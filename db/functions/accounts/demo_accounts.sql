create or replace function wallet.demo_accounts()
returns table (username text, password_hash text)
language sql
immutable
as $$
  values
    ('alice', '$2b$12$MWvyCrGE8E5rjrTShkps5.MNOrasc3nC0dmmQBRC48BnexuI1y/dq'),
    ('bob', '$2b$12$4y7y/9z2m/hxQ0pfaVUZM.kysBSoHJRSeLdGMgWkcewPFjtxtA2m.'),
    ('charlie', '$2b$12$ohlRlTOQaWf9hm0ObntNBefVYG6yJlnZ4HXu1PKYa6wKqLGAovzh.')
$$;

comment on function wallet.demo_accounts() is
  'The demo accounts of db/seeds with the hashes of their passwords, which are no secret: alice/password123, bob/password456, charlie/password789.';
