-- The state of holds follows from their events, and what was available from both. Each change is made as the owner with all
-- guards on where they let it pass, as a change of a column's type does, else with the guards off; and is taken back.
create function pg_temp.hold_of(p_number integer) returns bigint
language sql
as $$ select id from wallet.holds where txn_id = txn(p_number) $$;

select plan(29);

select lives_ok(
  $$
    select wallet_hold(wallet_of('alice'), txn(1), 100), wallet_capture(wallet_of('alice'), txn(2), txn(1), 30);
    select wallet_capture(wallet_of('alice'), txn(3), txn(1), 20, p_final => true);
    select wallet_hold(wallet_of('alice'), txn(4), 50), wallet_void(wallet_of('alice'), txn(5), txn(4));
    select wallet_hold(wallet_of('alice'), txn(6), 40);
    select wallet_hold(wallet_of('alice'), txn(7), 10, p_expires_in => 60);
    select wallet_topup(wallet_of('alice'), txn(8), 5);
    select wallet.end_due_holds(wallet_of('alice'), clock_timestamp() + interval '2 minutes');
    select wallet_spend(wallet_of('alice'), txn(9), 1);
    select wallet_set_limits(wallet_of('alice'), p_floor => -500);
    select wallet_spend(wallet_of('alice'), txn(10), 1);
    select wallet_transfer(wallet_of('alice'), txn(11), 1, wallet_of('bob'));
    select wallet_topup(wallet_of('charlie'), txn(12), 1)
  $$,
  'alice captures a hold in two parts, voids one, has one open, lets one expire, and gets an overdraft'
);
select results_eq(
  $$ select status from wallet.holds where wallet_id = wallet_of('alice') order by id $$, $$ values ('captured'), ('voided'), ('open'), ('expired') $$,
  'each hold is as it should be'
);
select results_eq(
  $$
    select t.txn_id, a.available - l.balance_after
    from wallet.transaction_available a
    join wallet.transactions t on t.id = a.transaction_id
    join wallet.ledger l on l.wallet_id = t.wallet_id and l.seq = t.seq
    order by t.id
  $$,
  $$ values (txn(2), -70::bigint), (txn(8), -50), (txn(9), -40), (txn(10), 460), (txn(11), 460) $$, 'and so is what was available'
);
select is_empty('select * from wallet_verify()', 'a sound ledger has no violations');

-- holds
select is(found($$ update wallet.holds set status = 'open' where txn_id = txn(4) $$, false), 'hold', 'a voided hold that was reopened');
select is(found($$ update wallet.holds set status = 'voided' where txn_id = txn(6) $$), 'hold', 'an open hold that was ended by hand');
select is(found($$ update wallet.holds set amount = 400 where txn_id = txn(6) $$, false), 'hold', 'an amount that was raised');
select is(found($$ update wallet.holds set captured = 10 where txn_id = txn(6) $$), 'hold', 'an amount captured without a capture');
select is(
  found($$ update wallet.holds set expires_at = expires_at + interval '1 year' where txn_id = txn(6) $$, false), 'hold',
  'another time to expire'
);
select is(
  found($$ update wallet.holds set wallet_id = wallet_of('bob') where txn_id = txn(6) $$, false), 'hold, wallet', 'another wallet'
);
select is(
  found($$ delete from wallet.holds where txn_id = txn(6) $$, false), 'hold', 'a hold that is gone and left its events'
);
select is(
  found($$ delete from wallet.hold_events where hold_id = pg_temp.hold_of(6); delete from wallet.holds where txn_id = txn(6) $$, false),
  'available', 'a hold that is gone with its events'
);

-- events
select is(found($$ delete from wallet.hold_events where txn_id = txn(5) $$, false), 'hold', 'a void that is gone');
select is(
  found($$ delete from wallet.hold_events where event = 'expired' $$, false), 'hold', 'the event of a hold that expired is gone'
);
select is(
  found($$
    delete from wallet.hold_events where txn_id = txn(5);
    update wallet.holds set status = 'open' where txn_id = txn(4)
  $$, false),
  'available', 'a void that is gone, its hold open again'
);
select is(
  found($$ alter table wallet.hold_events alter amount type bigint using case when txn_id = txn(6) then 400 else amount end $$), 'hold',
  'the amount of an event'
);
select is(
  found(format(
    'alter table wallet.hold_events alter hold_id type bigint using case when txn_id = txn(2) then %s else hold_id end', pg_temp.hold_of(6)
  )),
  'hold', 'a capture that was moved to another hold'
);
select is(
  found($$ alter table wallet.hold_events alter created_at type timestamptz using created_at + interval '1 microsecond' $$), 'hold',
  'the time of events'
);
select is(found($$ alter table wallet.hold_events alter hash type bytea using null $$), 'hold', 'events without a hash');
select is(
  found($$ alter table wallet.hold_events alter available_after type bigint using available_after + 1 $$), 'hold', 'what was available after events'
);
select is(
  found($$
    insert into wallet.hold_events (hold_id, wallet_id, event, amount, created_at)
    select id, wallet_id, 'expired', 50, clock_timestamp() from wallet.holds where txn_id = txn(4)
  $$),
  'hold', 'an event after the end'
);
select is(
  found($$
    insert into wallet.hold_events (hold_id, wallet_id, event, amount, created_at)
    select id, wallet_id, 'expired', 39, clock_timestamp() from wallet.holds where txn_id = txn(6);
    update wallet.holds set status = 'expired' where txn_id = txn(6)
  $$),
  'hold', 'an end that releases less than was left'
);
select is(
  found($$
    insert into wallet.hold_events (hold_id, wallet_id, txn_id, event, amount, transaction_id, balance_after, available_after, created_at)
    select h.id, h.wallet_id, txn(99), 'capture', t.amount, t.id, 0, 0, clock_timestamp()
    from wallet.holds h, wallet.transactions t
    where h.txn_id = txn(6) and t.txn_id = txn(9);
    update wallet.holds set captured = 1 where txn_id = txn(6)
  $$),
  'hold', 'a capture whose transaction is a spend'
);

-- what was available
select is(
  found($$ alter table wallet.transaction_available alter available type bigint using available + 1 $$), 'available', 'another amount'
);
select is(
  found($$ delete from wallet.transaction_available where available = (select min(available) from wallet.transaction_available) $$, false),
  'available', 'a row that is gone'
);
select is(
  found($$ insert into wallet.transaction_available select id, 1000 from wallet.transactions where txn_id = txn(12) $$), 'available',
  'a row of a wallet that never had holds'
);

-- the wallet
select is(found($$ update wallet.wallets set has_holds = false where id = wallet_of('alice') $$, false), 'wallet', 'has_holds, to hide all of them');
select is(
  found($$
    select wallet_set_limits(wallet_of('alice'));
    select wallet.write_transaction(
      row('spend', wallet_of('alice'), txn(98), balance_of('alice'), null, null, null, null, null, null, null, null, null)::wallet.request,
      balance_of('alice'), -balance_of('alice'), wallet.lock_wallet(wallet_of('alice'), null, null)
    )
  $$, false),
  'held', 'holds above what may be held, all else being right'
);
select is_empty('select * from wallet_verify()', 'all of it was taken back');
select * from finish();
