-- The chain of hashes through a wallet's entries, and what it finds. Faults are made with the guards off, and taken back.
create function pg_temp.found(p_tampering text) returns text
language plpgsql
as $$
declare
  v_found text;
begin
  set local session_replication_role = replica;
  execute p_tampering;
  set local session_replication_role = origin;
  select string_agg(coalesce(v.seq::text, '-') || ' ' || v.violation, ', ' order by v.seq, v.violation) into v_found
  from wallet_verify() v
  where v.wallet_id = wallet_of('alice');
  raise sqlstate 'ZZ000';
exception when sqlstate 'ZZ000' then
  return v_found;
end;
$$;

select plan(33);

-- receipts
create temp table receipts as
select t.* from wallet_topup(wallet_of('alice'), txn(1), 100) t;
insert into receipts select t.* from wallet_spend(wallet_of('alice'), txn(2), 40, 'a reference', '{"a": 1}', '2026-01-01') t;
insert into receipts select t.* from wallet_transfer(wallet_of('alice'), txn(3), 10, wallet_of('bob'), p_reference => 'for lunch') t;
insert into receipts select t.* from wallet_refund(wallet_of('alice'), txn(4), txn(2), 15) t;
insert into receipts select t.* from wallet_hold(wallet_of('alice'), txn(5), 50) t;
insert into receipts select t.* from wallet_capture(wallet_of('alice'), txn(6), txn(5)) t;
select results_eq(
  $$ select type, receipt from receipts where type <> 'hold' order by id $$,
  $$ select t.type::text, encode(l.hash, 'hex') from wallet.ledger l join wallet.transactions t on t.id = l.transaction_id
    where l.wallet_id = wallet_of('alice') and l.seq > 1 order by l.seq $$,
  'the receipt of what posts is the hash of the caller''s entry, in hex'
);
select is((select receipt from receipts where type = 'hold'), null, 'a hold posts nothing and has none');
select is((wallet_void(wallet_of('bob'), txn(2), txn(1))).receipt, null, 'nor has a void')
from wallet_hold(wallet_of('bob'), txn(1), 5);
select is(
  array[
    (wallet_topup(wallet_of('alice'), txn(1), 100)).receipt,
    (wallet_spend(wallet_of('alice'), txn(2), 40, 'a reference', '{"a": 1}', '2026-01-01')).receipt,
    (wallet_transfer(wallet_of('alice'), txn(3), 10, p_to_username => 'bob', p_reference => 'for lunch')).receipt,
    (wallet_refund(wallet_of('alice'), txn(4), txn(2), 15)).receipt,
    (wallet_capture(wallet_of('alice'), txn(6), txn(5))).receipt
  ],
  array(select receipt from receipts where type <> 'hold' order by id), 'a replay answers the same receipt'
);
select results_eq(
  $$ select b.receipt from wallet_batch('{topup}', array[wallet_of('alice')], array[txn(1)], '{100}') b $$,
  $$ select receipt from receipts where txn_id = txn(1) $$, 'in a batch too'
);
select isnt((wallet_adjust(wallet_of('alice'), txn(7), 1, 'a test')).receipt, null, 'an adjustment has one');

-- batches: as a set, several of one wallet, with and without details
create temp table batch as
select b.*
from wallet_batch(
  array_fill('topup'::text, array[12]),
  array(select case when n % 3 = 0 then wallet_of('bob') else wallet_of('charlie') end from generate_series(1, 12) n),
  array(select txn(100 + n) from generate_series(1, 12) n), array_fill(5::bigint, array[12]),
  array(select case when n in (3, 8) then 'number ' || n end from generate_series(1, 12) n),
  array(select case when n in (4, 8) then '{"b": 2}'::jsonb end from generate_series(1, 12) n)
) b;
select results_eq(
  $$ select txn_id, receipt from batch order by id $$,
  $$ select t.txn_id, encode(l.hash, 'hex') from wallet.transactions t join wallet.ledger l on l.wallet_id = t.wallet_id and l.seq = t.seq
    where t.txn_id between txn(101) and txn(112) order by t.id $$,
  'each item of a batch has its entry''s hash for a receipt'
);
select results_eq(
  $$ select t.txn_id, d.reference, d.metadata from wallet.transaction_details d join wallet.transactions t on t.id = d.transaction_id
    where t.txn_id between txn(101) and txn(112) order by 1 $$,
  $$ values (txn(103), 'number 3', null::jsonb), (txn(104), null, '{"b": 2}'), (txn(108), 'number 8', '{"b": 2}') $$,
  'details are those of their items'
);
select is_empty('select * from wallet_verify()', 'everything is chained');
select is(
  (select count(distinct salt) = count(*) and count(*) > 5 from wallet.transaction_details), true, 'every transaction with details has a salt of its own'
);
select is_empty(
  $$ select from wallet.transactions t join wallet.transaction_details d on d.transaction_id = t.id where t.txn_id = txn(1) $$, 'one without has no row for them'
);
select is_empty(
  $$ select from wallet.ledger l join wallet.wallets w on w.id = l.wallet_id where (w.kind = 'user') <> (l.hash is not null) $$,
  'every entry of a user wallet has a hash, and no other'
);
select is((select count(*) from wallet.ledger l where octet_length(l.hash) <> 32), 0::bigint, 'of 32 bytes');
select is(
  (select count(distinct l.hash) from wallet.ledger l where l.seq = 1 and l.balance_after is not null),
  (select count(*) from wallet.ledger l where l.seq = 1 and l.balance_after is not null), 'equal first entries of wallets have different hashes'
);

-- what it finds; alice's entries: 1 bonus, 2 topup, 3 spend, 4 transfer, 5 refund, 6 capture, 7 adjustment
select is(pg_temp.found($$ update wallet.ledger set hash = sha256(hash) where wallet_id = wallet_of('alice') and seq = 3 $$), '3 hash, 4 hash', 'a hash');
select is(pg_temp.found($$ update wallet.ledger set hash = sha256(hash) where wallet_id = wallet_of('alice') and seq = 7 $$), '7 hash', 'the last hash');
select is(
  pg_temp.found($$ update wallet.transactions set txn_id = txn(99) where wallet_id = wallet_of('alice') and seq = 2 $$), '2 hash', 'a txn_id'
);
select is(
  pg_temp.found($$ update wallet.transactions set created_at = created_at + interval '1 microsecond' where wallet_id = wallet_of('alice') and seq = 7 $$),
  '7 hash', 'a time, by a microsecond'
);
select is(
  pg_temp.found($$ update wallet.transaction_details set reference = 'other' where transaction_id = (select id from receipts where txn_id = txn(2)) $$),
  '3 hash', 'a reference'
);
select is(
  pg_temp.found($$ update wallet.transaction_details set metadata = '{"a": 2}' where transaction_id = (select id from receipts where txn_id = txn(2)) $$),
  '3 hash', 'metadata'
);
select is(
  pg_temp.found($$
    update wallet.transaction_details set reference = 'other', hash = wallet.details_hash(salt, 'other', metadata, effective_at)
    where transaction_id = (select id from receipts where txn_id = txn(2))
  $$),
  '3 hash', 'details with a hash that fits them'
);
select is(
  pg_temp.found($$ delete from wallet.transaction_details where transaction_id = (select id from receipts where txn_id = txn(2)) $$),
  '3 hash', 'details that are gone'
);
select is(
  pg_temp.found($$
    insert into wallet.transaction_details (transaction_id, reference, salt, hash)
    select id, 'new', txn(1), wallet.details_hash(txn(1), 'new', null, null) from receipts where txn_id = txn(1)
  $$),
  '2 hash', 'details that were added'
);
select is(
  pg_temp.found($$
    update wallet.transactions set type = 'topup' where txn_id = txn(4);
    update wallet.ledger set wallet_id = wallet.system_wallet_id('UC', 'topup')
    where seq = transaction_id and transaction_id = (select id from receipts where txn_id = txn(4));
    delete from wallet.refunds
  $$),
  '5 hash', 'a type, with all else made to fit'
);
select is(
  pg_temp.found($$
    update wallet.transactions set counterparty_id = wallet_of('charlie') where txn_id = txn(3);
    update wallet.ledger set wallet_id = wallet_of('charlie'), seq = 10, balance_after = 1050
    where wallet_id = wallet_of('bob') and transaction_id = (select id from receipts where txn_id = txn(3))
  $$),
  '4 hash', 'the recipient of a transfer'
);
select is(
  pg_temp.found($$
    update wallet.ledger set amount = amount * 2, balance_after = case when balance_after is not null then 1200 end
    where transaction_id = (select id from receipts where txn_id = txn(1));
    update wallet.ledger set balance_after = balance_after + 100 where wallet_id = wallet_of('alice') and seq > 2;
    update wallet.transactions set amount = amount * 2 where txn_id = txn(1)
  $$),
  '2 hash, 3 hash, 4 hash, 5 hash, 6 hash, 7 hash', 'an amount, with all balances made to fit'
);
select is(
  pg_temp.found($$
    update wallet.ledger set transaction_id = -transaction_id where wallet_id = wallet_of('alice') and seq = 2;
    update wallet.ledger set seq = -transaction_id, transaction_id = -transaction_id where wallet_id = wallet.system_wallet_id('UC', 'topup')
      and transaction_id = (select id from receipts where txn_id = txn(1));
    update wallet.transactions set id = -id where txn_id = txn(1)
  $$),
  '2 hash', 'another id'
);

-- details are only ever erased, with their owner
select throws_ok($$ update wallet.transaction_details set reference = 'other' $$, 'WA008', null, 'details are not changed');
select throws_ok($$ update wallet.transaction_details set hash = '' $$, 'WA008', null, 'nor is their hash');
select throws_ok($$ delete from wallet.transaction_details $$, 'WA008', null, 'they are not deleted');
select throws_ok(
  $$ update wallet.transaction_details set reference = null, metadata = null, effective_at = null, salt = null $$, 'WA008', null,
  'nor are they erased while their owner is not'
);
select lives_ok($$ select wallet_erase_user(user_of('alice'), 'a request'), wallet_erase_user(user_of('bob'), 'a request') $$, 'but erased');
select is_empty('select * from wallet_verify()', 'and the chain holds');
select * from finish();
