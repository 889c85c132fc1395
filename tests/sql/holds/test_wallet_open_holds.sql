-- What the metrics show of holds.
select plan(7);

select is(wallet_open_holds(), 0::bigint, 'without holds there is none');
select lives_ok(
  $$ select wallet_hold(wallet_of('alice'), txn(1), 1), wallet_hold(wallet_of('alice'), txn(2), 1), wallet_hold(wallet_of('bob'), txn(3), 1), wallet_hold(wallet_of('bob'), txn(4), 2) $$,
  'alice has two holds, bob too'
);
select is(wallet_open_holds(), 4::bigint, 'those of all wallets count');
select is(
  (select count(*) from wallet_void(wallet_of('alice'), txn(5), txn(1)), wallet_capture(wallet_of('bob'), txn(6), txn(4), 1)), 1::bigint,
  'one is voided, and a part of one is captured'
);
select let_expire(txn(2));
select is(wallet_open_holds(), 2::bigint, 'what has ended does not count, nor what is due');

insert into wallet.holds (wallet_id, txn_id, amount, expires_at, created_at)
select wallet_of('bob'), gen_random_uuid(), 1, statement_timestamp() + interval '1 day', statement_timestamp()
from generate_series(1, 12000);
select is(wallet_open_holds(), 10000::bigint, 'counting ends at 10,000');
analyze wallet.holds;
select ok(wallet_open_holds() between 11000 and 13000, 'above that it is an estimate') from wallet.holds limit 1;
select * from finish();
