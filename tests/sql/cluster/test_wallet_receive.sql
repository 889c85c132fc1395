-- Database 0 of a cluster with database 9, whose outbox is played here.
select plan(42);
select wallet_join_cluster(0::smallint, '[[0], [0, 9]]');
create temp table their (id) as values ('01a21f1d-ac43-836c-8c7d-f87aafa71009'::uuid);
create function pg_temp.receive(p_number bigint, p_to uuid, p_amount bigint, p_asset text default 'UC', p_reference text default null)
returns table (origin_id bigint, code text, transaction_id bigint)
language sql
as $$
  select *
  from wallet_receive(
    array[(9::bigint << 40) + p_number], array(select id from their), array[p_to], array[p_amount], array[p_asset], array[p_reference]
  )
$$;

-- a credit
create temp table first as select * from pg_temp.receive(1, wallet_of('alice'), 300, p_reference => 'rent');
select results_eq(
  'select origin_id - (9::bigint << 40), code, transaction_id is not null from first', $$ values (1::bigint, null::text, true) $$,
  'it is credited'
);
select results_eq(
  $$ select wallet_id, amount from wallet.ledger where transaction_id = (select transaction_id from first) order by amount $$,
  $$ values (wallet.system_wallet_id('UC', 'received'), -300::bigint), (wallet_of('alice'), 300) $$,
  'with its other entry in a system wallet'
);
select results_eq(
  $$ select type, amount, balance, reference, counterparty_wallet_id, counterparty_username from wallet_entries(wallet_of('alice'), 1) $$,
  $$ select 'transfer', 300::bigint, 1300::bigint, 'rent', id, null::text from their $$,
  'history shows it as a transfer from whom sent it'
);
select results_eq(
  $$ select type, amount from wallet_entries(wallet_of('alice'), 10, p_type => 'transfer') $$,
  $$ values ('transfer', 300::bigint) $$, 'and finds it as one'
);
select results_eq(
  $$ select type, counterparty_wallet_id, jsonb_array_length(entries), entries -> 1 ->> 'purpose' from wallet_inspect_transaction((select transaction_id from first)) $$,
  $$ select 'received', id, 2, 'received' from their $$, 'operators see what it is'
);
select is(
  wallet_verify_entry(wallet_of('alice'), f.transaction_id, (select receipt from wallet_entry(wallet_of('alice'), f.transaction_id))),
  'ok', 'its receipt can be verified'
)
from first f;

-- decided once
select results_eq(
  $$ select * from pg_temp.receive(1, wallet_of('alice'), 300, p_reference => 'rent') $$, 'select * from first', 'the same again has the first decision'
);
select is(balance_of('alice'), 1300::bigint, 'and is not credited again');
select results_eq(
  $$ select code, transaction_id from pg_temp.receive(1, wallet_of('alice'), 301) $$, $$ values ('WA004', null::bigint) $$,
  'another amount under its number is refused'
);
select results_eq(
  $$ select code, transaction_id from pg_temp.receive(1, wallet_of('bob'), 300) $$, $$ values ('WA004', null::bigint) $$,
  'and so is another recipient'
);
select results_eq(
  $$ select code from pg_temp.receive(2, '01a21f1d-ac43-836c-8c7d-f87aafa71000', 5) $$, $$ values ('WA009') $$, 'nobody has this wallet'
);
select results_eq($$ select code from pg_temp.receive(3, wallet_of('alice'), 5, 'XYZ') $$, $$ values ('WA011') $$, 'it holds another asset');
select lives_ok(
  $$
    select wallet_set_limits(wallet_of('bob'), p_max_balance => 1001);
    select wallet_spend(wallet_of('charlie'), txn(1), 1000);
    select wallet_set_status(wallet_of('charlie'), 'closed', 'a test');
  $$, 'bob is nearly full, charlie closed'
);
select results_eq($$ select code from pg_temp.receive(4, wallet_of('bob'), 2) $$, $$ values ('WA006') $$, 'what does not fit is refused');
select results_eq($$ select code from pg_temp.receive(5, wallet_of('charlie'), 2) $$, $$ values ('WA013') $$, 'a closed wallet refuses');
select lives_ok(
  $$
    select wallet_set_limits(wallet_of('bob'));
    select wallet_set_status(wallet_of('charlie'), 'active', 'a test');
  $$, 'both could receive now'
);
select results_eq($$ select code from pg_temp.receive(4, wallet_of('bob'), 2) $$, $$ values ('WA006') $$, 'a refusal stands for ever');
select results_eq($$ select code from pg_temp.receive(5, wallet_of('charlie'), 2) $$, $$ values ('WA013') $$, 'whatever has changed');
select is(balance_of('bob') + balance_of('charlie'), 1000::bigint, 'nobody has anything of it');
select throws_ok('delete from wallet.inbox', 'WA008', null, 'a decision cannot be removed');
select throws_ok($$ update wallet.inbox set code = null, transaction_id = (select transaction_id from first) $$, 'WA008', null, 'nor changed');

-- many at once: each by itself, in the order of their numbers
select lives_ok($$ select wallet_set_limits(wallet_of('bob'), p_max_balance => 1010) $$, 'bob has room for 10');
select results_eq(
  $$
    select r.origin_id - (9::bigint << 40), r.code
    from wallet_receive(
      array[(9::bigint << 40) + 13, (9::bigint << 40) + 12, (9::bigint << 40) + 11, (9::bigint << 40) + 14],
      array(select t.id from their t, generate_series(1, 4)),
      array[wallet_of('bob'), wallet_of('bob'), wallet_of('bob'), wallet_of('alice')], '{4,7,6,1}', '{UC,UC,UC,UC}'
    ) r
  $$,
  $$ values (13::bigint, null::text), (12, 'WA006'), (11, null), (14, null) $$,
  'one that does not fit leaves room for one that does; answers come as they were asked'
);
select is(balance_of('bob'), 1010::bigint, 'the others are there');
select results_eq(
  $$ select seq, amount, balance from wallet_entries(wallet_of('bob'), 2) $$,
  $$ values (3::bigint, 4::bigint, 1010::bigint), (2, 6, 1006) $$, 'one after the other'
);
select lives_ok(
  $$
    select wallet_hold(wallet_of('alice'), txn(2), 100);
    select wallet_hold(wallet_of('alice'), txn(3), 50);
    select let_expire(txn(3));
  $$, 'alice has a hold, and one that is due'
);
select is((select code from pg_temp.receive(21, wallet_of('alice'), 7)), null, 'a wallet with holds receives');
select is((select status from wallet_holds(wallet_of('alice')) where txn_id = txn(3)), 'expired', 'what is due has ended');
select is((select available from wallet.transaction_available order by transaction_id desc limit 1), balance_of('alice') - 100, 'what is held is not available');
select lives_ok($$ select wallet_set_status(wallet_of('alice'), 'frozen', 'a test') $$, 'alice is frozen');
select is((select code from pg_temp.receive(22, wallet_of('alice'), 7)), null, 'a frozen wallet receives');

-- what no outbox has
select is(refused($$ select pg_temp.receive(30, '01a21f1d-ac43-836c-8c7d-f87aafa71009', 1) $$), 'WA002 to_wallet_ids', 'the recipient must be one of this database');
select is(refused($$ select pg_temp.receive(30, wallet_of('alice'), 0) $$), 'WA002 amount', 'an amount is above 0');
select is(refused($$ select pg_temp.receive(30, wallet_of('alice'), 1, null) $$), 'WA002 assets', 'and of an asset');
select is(refused($$ select pg_temp.receive(30, wallet_of('alice'), 1, p_reference => '') $$), 'WA002 reference', 'a reference has characters');
select is(
  refused($$ select wallet_receive(array[8::bigint << 40], array(select id from their), array[wallet_of('alice')], '{1}', '{UC}') $$),
  'WA002 origin_ids', 'the number must be of the sender''s database'
);
select is(
  refused($$ select wallet_receive('{1}', array[wallet_of('bob')], array[wallet_of('alice')], '{1}', '{UC}') $$),
  'WA002 origin_ids', 'which is another than this one'
);
select is(refused($$ select wallet_receive('{1,2}', array(select id from their), array[wallet_of('alice')], '{1}', '{UC}') $$), 'WA002 origin_ids', 'arrays are of one length');

-- an erased recipient, an erased sender
select lives_ok($$ select wallet_erase_user(user_of('charlie'), 'a test') $$, 'charlie is erased');
select is((select code from pg_temp.receive(40, (select w.id from wallet.wallets w where w.is_erased and w.asset = 'UC'), 7, p_reference => 'a secret')), null, 'money still arrives');
select is_empty($$ select * from wallet.transaction_details where reference = 'a secret' $$, 'and nothing that was written to it');
select is_empty('select * from wallet_verify()', 'all is sound');
select * from finish();
