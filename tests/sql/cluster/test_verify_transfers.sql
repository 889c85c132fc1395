-- Database 0 of a cluster with database 9: each change is made with the guards off, and is taken back.
select plan(21);
select wallet_join_cluster(0::smallint, '[[0], [0, 9]]');
create temp table their (id) as values ('01a21f1d-ac43-836c-8c7d-f87aafa71009'::uuid);
grant select on their to public;
select lives_ok(
  $$
    select wallet_transfer(wallet_of('alice'), txn(1), 100, (select id from their), p_reference => 'a secret');
    select wallet_transfer(wallet_of('alice'), txn(2), 20, (select id from their));
    select wallet_transfer(wallet_of('bob'), txn(3), 3, (select id from their));
    select wallet_transfer(wallet_of('alice'), txn(4), 4, wallet_of('bob'));
    select wallet_conclude(array[transaction_of(txn(1)), transaction_of(txn(2))], '{null,WA013}');
    select wallet_receive(
      array[(9::bigint << 40) + 1, (9::bigint << 40) + 2], array(select id from their, generate_series(1, 2)),
      array[wallet_of('alice'), wallet_of('bob')], '{50,60}', '{UC,XYZ}', '{gift,null}'
    );
  $$, 'one of each'
);
select is_empty('select * from wallet_verify()', 'a sound ledger');

-- outbox
select is(found($$ delete from wallet.outbox where transaction_id = transaction_of(txn(1)) $$, false), 'outbox', 'a transfer without its row');
select is(
  found($$ insert into wallet.outbox (transaction_id, wallet_id, to_wallet_id, destination) select transaction_of(txn(4)), wallet_of('alice'), id, 9 from their $$, false),
  'outbox', 'a row of a transfer inside this database'
);
select is(found($$ update wallet.outbox set to_wallet_id = '01a21f1d-ac43-836c-8c7d-f87aafa72009' where status = 'delivered' $$, false), 'outbox', 'a row to another wallet');
select is(found($$ update wallet.outbox set wallet_id = wallet_of('bob') where status = 'delivered' $$, false), 'outbox', 'a row of another sender');
select is(found($$ update wallet.outbox set destination = 8 where status = 'delivered' $$, false), 'outbox', 'a row to another database');
select is(
  found($$ update wallet.outbox set returned_id = transaction_of(txn(3)) where status = 'returned' $$, false), 'outbox', 'a return that is something else'
);
select is(
  found($$ update wallet.outbox set status = 'delivered', returned_id = null, code = null where status = 'returned' $$, false), 'outbox', 'a return without its row'
);

-- inbox
select is(found($$ delete from wallet.inbox where code is null $$, false), 'inbox', 'a credit without its row');
select is(found($$ update wallet.inbox set amount = 51 where code is null $$, false), 'inbox', 'a row of another amount');
select is(found($$ update wallet.inbox set asset = 'EUR' where code is null $$, false), 'inbox', 'a row in another asset');
select is(found($$ update wallet.inbox set to_wallet_id = wallet_of('bob') where code is null $$, false), 'inbox', 'a row to another wallet');
select is(found($$ update wallet.inbox set origin_id = (8::bigint << 40) + 1 where code is null $$, false), 'inbox', 'a row from another database');
select is(
  found($$ update wallet.inbox set code = null, transaction_id = transaction_of(txn(3)) where code is not null $$, false), 'inbox', 'a refusal that became a credit of something else'
);

-- the ledger
select ok(
  found($$ update wallet.ledger set wallet_id = wallet.system_wallet_id('UC', 'spend') where wallet_id = wallet.system_wallet_id('UC', 'received') $$, false)
    like '%counterparty%', 'what was received has its other entry in another wallet'
);
select ok(
  found($$ update wallet.ledger set amount = -amount where transaction_id = transaction_of(txn(3)) $$, false) like '%transaction_amount%',
  'a transfer of the other sign'
);
select ok(
  found($$ update wallet.transactions set counterparty_id = wallet_of('bob') where txn_id = txn(1) $$, false) like '%outbox%',
  'a transfer to another database that names a wallet of this one'
);
select ok(
  found($$ update wallet.transactions set counterparty_id = null where type = 'returned' $$, false) like '%counterparty%',
  'a return that names nobody'
);

-- erased copies
select is(
  found($$ update wallet.transaction_details set reference = null, salt = null where reference = 'gift' $$, false), 'erasure', 'details that nobody had erased'
);
select lives_ok(
  $$
    do $do$
    begin
      perform wallet_erase_received(array[(9::bigint << 40) + 1]);
      if exists (select from wallet.transaction_details where reference = 'gift') or exists (select from wallet_verify()) then
        raise 'not erased';
      end if;
    end
    $do$
  $$, 'what the relay erases is erased, and sound'
);
select * from finish();
