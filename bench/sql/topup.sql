\set n random(:first, :last)
select * from wallet_topup(
  ('00000000-0000-0000-0000-0000000' || :n)::uuid, gen_random_uuid(), 100, null, null, null,
  ('00000000-0000-0000-0001-0000000' || :n)::uuid
);
