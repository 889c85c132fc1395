select plan(23);

create function pg_temp.entry(p_name text, p_txn_id uuid) returns table (
  type text, amount bigint, balance bigint, receipt text, refundable bigint, hold_txn_id uuid, counterparty_username text
) language sql
as $$
  select e.type, e.amount, e.balance, e.receipt, e.refundable, e.hold_txn_id, e.counterparty_username
  from wallet_entry(wallet_of(p_name), transaction_of(p_txn_id)) e
$$;

create temp table answers as
select r.txn_id, r.receipt
from (values
  (wallet_topup(wallet_of('alice'), txn(1), 70, 'from grandma', '{"a": 1}', '2020-01-01 00:00+00')),
  (wallet_spend(wallet_of('alice'), txn(2), 50, 'order 1')),
  (wallet_transfer(wallet_of('alice'), txn(3), 7, wallet_of('bob'), p_reference => 'lunch')),
  (wallet_hold(wallet_of('alice'), txn(4), 40)),
  (wallet_capture(wallet_of('alice'), txn(5), txn(4), 10, false)),
  (wallet_capture(wallet_of('alice'), txn(6), txn(4), 20)),
  (wallet_refund(wallet_of('alice'), txn(7), txn(2), 20))
) as a (result)
cross join lateral (select (a.result).txn_id, (a.result).receipt) r;

-- what the owner is shown
select results_eq(
  $$
    select e.seq, e.id, e.txn_id, e.type, e.amount, e.balance, e.reference, e.metadata, e.counterparty_wallet_id, e.counterparty_username, e.effective_at, e.created_at
    from wallet_entries(wallet_of('alice')) l
    cross join lateral wallet_entry(wallet_of('alice'), l.id, user_of('alice')) e
    order by e.seq desc
  $$,
  $$ select * from wallet_entries(wallet_of('alice')) $$, 'each entry is the row that the history has'
);
select is_empty(
  $$ select a.txn_id from answers a where a.receipt is not null and a.receipt <> (select e.receipt from pg_temp.entry('alice', a.txn_id) e) $$,
  'with the receipt that was answered'
);
select is((select count(*) from answers a where a.receipt is not null), 6::bigint, 'which all have but the hold');
select results_eq(
  $$ select t.n, e.refundable, e.hold_txn_id from generate_series(1, 7) t (n) cross join lateral pg_temp.entry('alice', txn(t.n)) e where t.n <> 4 order by t.n $$,
  $$
    values (1, null, null), (2, 30::bigint, null), (3, null, null), (5, 10, txn(4)), (6, 20, txn(4)), (7, null, null)
  $$,
  'of a spend or capture what is left to refund, and of a capture its hold'
);
select lives_ok($$ select wallet_refund(wallet_of('alice'), txn(8), txn(2)) $$, 'the rest is refunded');
select is((select refundable from pg_temp.entry('alice', txn(2))), 0::bigint, 'nothing is left');

-- of a transfer
select results_eq(
  $$ select type, amount, balance, counterparty_username from pg_temp.entry('alice', txn(3)) $$,
  $$ values ('transfer', -7::bigint, 1013::bigint, 'bob') $$, 'the sender sees what left'
);
select results_eq(
  $$ select type, amount, balance, counterparty_username, refundable from pg_temp.entry('bob', txn(3)) $$,
  $$ values ('transfer', 7::bigint, 1007::bigint, 'alice', null::bigint) $$, 'the recipient what came'
);
select is(
  (select receipt from pg_temp.entry('bob', txn(3))),
  (select encode(l.hash, 'hex') from wallet.ledger l where l.wallet_id = wallet_of('bob') and l.seq = 2), 'with the receipt of that entry'
);
select is(
  (select receipt ~ '^[0-9a-f]{64}$' and receipt <> (select a.receipt from answers a where a.txn_id = txn(3)) from pg_temp.entry('bob', txn(3))),
  true, 'which is another one than the sender''s'
);
-- however many entries there are
select lives_ok(
  $$
    select wallet_topup(wallet_of('bob'), txn(100 + n), n) from generate_series(1, 100) n;
    select wallet_transfer(wallet_of('alice'), txn(300 + n), 1, wallet_of('bob')) from generate_series(1, 30) n
  $$, 'more follows'
);
select is_empty(
  $$
    select l.seq
    from wallet.ledger l
    cross join lateral wallet_entry(l.wallet_id, l.transaction_id) e
    where l.wallet_id in (wallet_of('alice'), wallet_of('bob')) and (e.seq, e.amount, e.balance) is distinct from (l.seq, l.amount, l.balance_after)
  $$, 'every entry of both is found'
);

-- refused
select is(refused($$ select wallet_entry(wallet_of('charlie'), transaction_of(txn(3))) $$), 'WA028', 'a stranger''s transaction is unknown');
select is(refused($$ select wallet_entry(wallet_of('bob'), transaction_of(txn(2))) $$), 'WA028', 'so is one with a system wallet of another user');
select is(refused($$ select wallet_entry(wallet_of('alice'), transaction_of(txn(310)) + 1000) $$), 'WA028', 'so is one that is not there');
select is(refused($$ select wallet_entry(wallet_of('alice'), 0) $$), 'WA028', 'or cannot be');
select is(refused($$ select wallet_entry(wallet_of('alice'), null) $$), 'WA028', 'and none');
select is(
  (select r -> 'detail' from refusal($$ select wallet_entry(wallet_of('alice'), 0) $$) r), '{"transaction_id": 0}', 'the refusal names it'
);
select is(refused($$ select wallet_entry(gen_random_uuid(), 1) $$), 'WA001', 'an unknown wallet is refused');
select lives_ok($$ select wallet_open(user_of('charlie'), 'USD') $$, 'an empty wallet is opened');
select is(
  refused($$ select wallet_entry((select w.id from wallet.wallets w where w.owner_id = user_of('charlie') and w.asset = 'USD'), transaction_of(txn(1))) $$),
  'WA028', 'which has no transaction'
);
set local session authorization wallet_api;
select is(refused($$ select wallet_entry(wallet_of('alice'), transaction_of(txn(2))) $$), 'WA002 actor', 'the service must name the user it acts for');
select is(refused($$ select wallet_entry(wallet_of('alice'), transaction_of(txn(2)), user_of('bob')) $$), 'WA001', 'a stranger''s wallet is answered as unknown');
reset session authorization;
select * from finish();
