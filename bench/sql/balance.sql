\set n random(:first, :last)
select * from wallet_balance(
  ('00000000-0000-0000-0000-0000000' || :n)::uuid, ('00000000-0000-0000-0001-0000000' || :n)::uuid
);
