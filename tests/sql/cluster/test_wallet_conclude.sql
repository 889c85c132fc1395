-- Database 0 of a cluster with database 9, which nobody plays: what it decides is said here.
select plan(51);
select wallet_join_cluster(0::smallint, '[[0], [0, 9]]');
create temp table their (id) as values ('01a21f1d-ac43-836c-8c7d-f87aafa71009'::uuid);

-- the sender's side
create temp table sent as
select *
from wallet_transfer(
  wallet_of('alice'), txn(1), 300, (select id from their), null, 'rent', '{"a": 1}', '2020-01-01 00:00+00', user_of('alice')
);
select results_eq(
  'select txn_id, type, amount, balance, available, replayed from sent',
  $$ values (txn(1), 'transfer', 300::bigint, 700::bigint, 700::bigint, false) $$,
  'to a wallet of another database it returns what any transfer does'
);
select results_eq(
  $$ select wallet_id, amount from wallet.ledger where transaction_id = (select id from sent) order by amount $$,
  $$ values (wallet_of('alice'), -300::bigint), (wallet.system_wallet_id('UC', 'transfer'), 300) $$,
  'its other entry is in the system wallet'
);
select results_eq(
  'select transaction_id, wallet_id, to_wallet_id, destination, status, code, returned_id, erasure from wallet.outbox',
  $$ select s.id, wallet_of('alice'), t.id, 9::smallint, 'pending', null::text, null::bigint, null::text from sent s, their t $$,
  'and it is in transit'
);
select results_eq(
  $$
    select txn_id, type, amount, reference, counterparty_wallet_id, counterparty_username
    from wallet_entries(wallet_of('alice'), 1)
  $$,
  $$ select txn(1), 'transfer', -300::bigint, 'rent', t.id, null::text from their t $$,
  'history shows to whom, without a name'
);
select results_eq(
  $$ select delivery, code from wallet_deliveries(wallet_of('alice'), array[txn(1)], user_of('alice')) $$,
  $$ values ('pending', null::text) $$, 'the sender sees that it is pending'
);
select is_empty($$ select delivery, code from wallet_deliveries(wallet_of('alice'), array[txn(2)]) $$, 'of what is no such transfer there is no delivery');
select is(refused($$ select wallet_deliveries(wallet_of('alice'), array[txn(1)], user_of('bob')) $$), 'WA001', 'nor for a stranger');
select is(
  (wallet_transfer(wallet_of('alice'), txn(1), 300, (select id from their), null, 'rent', '{"a": 1}', '2020-01-01 00:00+00')).replayed,
  true, 'the same request again is a replay'
);
select is(
  refused($$ select wallet_transfer(wallet_of('alice'), txn(1), 300, gen_random_uuid()) $$), 'WA004 to_wallet_id',
  'to another recipient it is another request'
);
select is(
  refused($$ select wallet_transfer(wallet_of('alice'), txn(2), 701, (select id from their)) $$), 'WA003 amount',
  'the money must be there'
);
select is(
  refused($$ select wallet_transfer(wallet_of('alice'), txn(2), 1, '01a21f1d-ac43-836c-8c7d-f87aafa71008') $$), 'WA009 to_wallet_id',
  'a database that homes does not name has no recipients'
);
select is(
  refused($$ select wallet_transfer(wallet_of('alice'), txn(2), 1, gen_random_uuid()) $$), 'WA009 to_wallet_id',
  'nor has this one any that it does not know'
);
select is(
  refused($$ select wallet_transfer(wallet_of('alice'), txn(2), 1, p_to_username => 'nobody') $$), 'WA009 to_username',
  'a name is one of this database'
);
select results_eq(
  $$ select to_wallet_id, to_username, balance from wallet_preview_transfer(wallet_of('alice'), txn(2), 1, (select id from their)) $$,
  $$ select t.id, null::text, 699::bigint from their t $$, 'a preview tells what happens here'
);
select results_eq(
  $$
    select outcome, amount, balance
    from wallet_batch(
      array['transfer', 'transfer'], array[wallet_of('bob'), wallet_of('bob')], array[txn(1), txn(2)], '{40,2000}',
      p_to_wallet_ids => array(select id from their, generate_series(1, 2))
    )
  $$,
  $$ values ('ok', 40::bigint, 960::bigint), ('WA003', 2000, null) $$, 'a batch sends there, too'
);
select results_eq(
  $$
    select destination, asset, pending, amount, oldest_seconds between 0 and 600 from wallet_in_transit()
  $$,
  $$ values (9::smallint, 'UC', 2::bigint, 340::numeric, true) $$, 'operators see what is on its way'
);
select is_empty('select * from wallet_verify()', 'and all is sound');

select results_eq(
  $$ select kind, wallet_id, type, amount from wallet_search(txn(1)::text) order by amount $$,
  $$ values ('transaction', wallet_of('alice'), 'transfer', -300::bigint), ('transaction', wallet_of('bob'), 'transfer', -40) $$,
  'a search finds the side that is here'
);

-- what the relay reads
select results_eq(
  $$
    select from_wallet_id, to_wallet_id, amount, asset, reference, metadata, effective_at
    from wallet_outbox(9::smallint, 1)
  $$,
  $$ select wallet_of('alice'), t.id, 300::bigint, 'UC', 'rent', '{"a": 1}'::jsonb, '2020-01-01 00:00+00'::timestamptz from their t $$,
  'the relay reads all that the recipient is to have'
);
select results_eq(
  $$ select amount from wallet_outbox(9::smallint, 10, (select id from their), (select id from sent)) $$,
  'values (40::bigint)', 'a page goes on after the last row of the one before'
);
select is_empty('select * from wallet_outbox(8::smallint, 10)', 'each database has its own');
select is(refused('select wallet_outbox(9::smallint, 0)'), 'WA002 limit', 'a page has rows');

select results_eq(
  'select * from wallet_outbox_destinations()', 'values (9::smallint, true, false)',
  'and knows where to look for it: each destination once, however much is on its way'
);

-- in transit
select is(
  (wallet_transfer(wallet_of('alice'), txn(3), 700, (select id from their))).balance, 0::bigint, 'the rest follows'
);
select is(
  refusal($$ select wallet_set_status(wallet_of('alice'), 'closed', 'empty') $$) -> 'detail',
  jsonb_build_object('wallet_id', wallet_of('alice'), 'balance', 0, 'held', 0, 'in_transit', 1000, 'asset', 'UC', 'scale', 0),
  'a wallet with something in transit is not closed'
);

-- delivered, returned
select results_eq(
  $$ select status from wallet_conclude(array[(select id from sent)], '{null}') $$, $$ values ('delivered') $$,
  'what was received is delivered'
);
select results_eq(
  $$ select delivery, code from wallet_deliveries(wallet_of('alice'), array[txn(1)]) $$, $$ values ('delivered', null::text) $$, 'as the sender sees'
);
select results_eq(
  $$ select status from wallet_conclude(array[(select id from sent)], '{WA013}') $$, $$ values ('delivered') $$,
  'once: nothing else can follow'
);
select lives_ok(
  $$
    select wallet_set_limits(wallet_of('alice'), '{transfer}', '{null}', '{1000}', '{null}');
    select wallet_set_status(wallet_of('alice'), 'frozen', 'a test');
  $$, 'the sender is frozen meanwhile'
);
select is((select sum(amount) from wallet.limit_usage), 1000::numeric, 'all that was sent counts against limits');
select results_eq(
  $$ select status from wallet_conclude(array[transaction_of(txn(3))], '{WA013}') $$, $$ values ('returned') $$,
  'what was refused is returned, to a frozen wallet, too'
);
select results_eq(
  $$ select type, amount, balance, counterparty_wallet_id from wallet_entries(wallet_of('alice'), 1) $$,
  $$ select 'returned', 700::bigint, 700::bigint, t.id from their t $$, 'the sender has the money again'
);
select results_eq(
  $$ select delivery, code from wallet_deliveries(wallet_of('alice'), array[txn(3)]) $$, $$ values ('returned', 'WA013') $$, 'and is told why'
);
select is((select sum(amount) from wallet.limit_usage), 300::numeric, 'what came back counts against no limit');
select is((wallet_set_limits(wallet_of('alice'), '{transfer}', '{null}', '{1000}', '{null}')).kind, 'transfer', 'limits are set anew');
select is((select sum(amount) from wallet.limit_usage), 300::numeric, 'nor when usage is counted anew');
select is_empty(
  $$ select status from wallet_conclude('{1}', '{null}') $$, 'a number that is none is passed over'
);
select is(refused($$ select wallet_conclude('{1}', '{WA001}') $$), 'WA002 codes', 'a code must be one that a recipient''s database gives');
select is(refused($$ select wallet_conclude('{1,2}', '{null}') $$), 'WA002 transaction_ids', 'and there is one for each');

-- a sender whose wallet is full
select lives_ok($$ select wallet_set_limits(wallet_of('bob'), p_max_balance => 960) $$, 'bob''s wallet is full');
select results_eq(
  $$ select status from wallet_conclude(array(select transaction_id from wallet.outbox where status = 'pending'), '{WA009}') $$,
  $$ values ('pending') $$, 'what a full wallet cannot take stays in transit'
);
select is((select amount from wallet_in_transit()), 40::numeric, 'where operators see it');
select lives_ok($$ select wallet_set_limits(wallet_of('bob')) $$, 'there is room again');
select results_eq(
  $$ select status from wallet_conclude(array(select transaction_id from wallet.outbox where status = 'pending'), '{WA009}') $$,
  $$ values ('returned') $$, 'and it comes back'
);
select is(refused($$ select wallet_refund(wallet_of('alice'), txn(4), txn(1)) $$), 'WA021 original_txn_id', 'a transfer is not refunded, wherever it went');
select is_empty('select * from wallet_outbox_destinations()', 'nothing is left to carry');
select lives_ok($$ select wallet_erase_user(user_of('alice'), 'she asked') $$, 'the sender is erased');
select results_eq(
  'select * from wallet_outbox_destinations()', 'values (9::smallint, false, true)', 'what she sent is to be erased there, too'
);
select results_eq(
  'select wallet_conclude_erasures(array(select transaction_id from wallet_erased_outbox(9::smallint, 10)))',
  'values (1::bigint)', 'of the one that was delivered there are details'
);
select is_empty('select * from wallet_outbox_destinations()', 'and once that is done, nothing is left again');
select is_empty('select * from wallet_verify()', 'all is sound');
select * from finish();
