-- Each fault is made by hand, with the guards off, and taken back.
create function pg_temp.found(p_tampering text) returns text
language plpgsql
as $$
declare
  v_found text;
begin
  set local session_replication_role = replica;
  execute p_tampering;
  set local session_replication_role = origin;
  select string_agg(v.violation, ', ' order by v.violation) into v_found
  from (select distinct violation from wallet_verify()) v;
  raise sqlstate 'ZZ000';
exception when sqlstate 'ZZ000' then
  return v_found;
end;
$$;

select plan(25);

select is_empty('select * from wallet_verify()', 'a sound ledger has no violations');
select lives_ok(
  $$
    select wallet_topup(wallet_of('alice'), txn(1), 100), wallet_spend(wallet_of('alice'), txn(2), 40), wallet_topup(wallet_of('alice'), txn(3), 5);
    select wallet_create_asset('EUR', 'Euro', 2::smallint)
  $$,
  'alice has four entries: 1000, 1100, 1060, 1065'
);
select is_empty('select * from wallet_verify()', 'nor has one with transactions');

-- transactions
select is(
  pg_temp.found($$ delete from wallet.ledger where wallet_id <> wallet_of('alice') and transaction_id = (select max(id) from wallet.transactions) $$),
  'transaction_entries', 'a transaction that lost its counter-entry'
);
select is(
  pg_temp.found($$ delete from wallet.ledger where transaction_id = (select max(id) from wallet.transactions) $$),
  'transaction_amount, transaction_entries', 'a transaction that lost both entries'
);
select is(
  pg_temp.found($$
    insert into wallet.ledger (wallet_id, seq, transaction_id, amount, balance_after)
    select wallet_of('alice'), 5, max(id), 7, 1072 from wallet.transactions
  $$),
  'transaction_entries', 'a transaction with a third entry'
);
select is(
  pg_temp.found($$ update wallet.ledger set amount = -6 where wallet_id <> wallet_of('alice') and transaction_id = (select max(id) from wallet.transactions) $$),
  'transaction_entries', 'entries that do not net to zero'
);
select is(
  pg_temp.found($$
    update wallet.ledger set wallet_id = (select id from wallet.wallets where asset = 'EUR' and purpose = 'topup')
    where wallet_id <> wallet_of('alice') and transaction_id = (select max(id) from wallet.transactions)
  $$),
  'transaction_entries', 'entries in two assets'
);
select is(
  pg_temp.found($$ update wallet.transactions set amount = 6 where txn_id = txn(3) $$), 'transaction_amount', 'an amount that its entry does not have'
);
select is(
  pg_temp.found($$ update wallet.transactions set type = 'topup' where txn_id = txn(2) $$), 'transaction_amount', 'a type of the other sign'
);
select is(
  pg_temp.found($$ update wallet.transactions set seq = 2 where txn_id = txn(3) $$), 'transaction_amount', 'a transaction at the place of another'
);
select is(
  pg_temp.found($$ update wallet.transactions set wallet_id = wallet_of('bob') where txn_id = txn(3) $$),
  'transaction_amount', 'a transaction of another wallet'
);

-- entries
select is(pg_temp.found($$ delete from wallet.transactions where txn_id = txn(3) $$), 'entry_transaction', 'entries without their transaction');
select is(
  pg_temp.found($$ delete from wallet.wallets where id = wallet_of('alice') $$), 'entry_wallet', 'entries without their wallet'
);
select is(
  pg_temp.found($$
    update wallet.ledger set seq = 9 where wallet_id = wallet_of('alice') and seq = 4;
    update wallet.transactions set seq = 9 where txn_id = txn(3)
  $$),
  'sequence', 'a gap in the seq of a wallet'
);
select is(
  pg_temp.found($$ update wallet.ledger set balance_after = 1066 where wallet_id = wallet_of('alice') and seq = 4 $$),
  'running_balance', 'a balance that is not the sum of the entries'
);
select is(
  pg_temp.found($$ update wallet.ledger set balance_after = null where wallet_id = wallet_of('alice') and seq = 2 $$),
  'running_balance', 'a user''s entry without a balance'
);
select is(
  pg_temp.found($$ update wallet.transactions set created_at = created_at - interval '1 hour' where txn_id = txn(2) $$),
  'created_at', 'an entry recorded before its predecessor'
);
select is(
  pg_temp.found($$
    with changed as (update wallet.transactions set amount = 1101 where txn_id = txn(2) returning id)
    update wallet.ledger l set
      amount = case when l.wallet_id = wallet_of('alice') then -1101 else 1101 end,
      balance_after = case when l.wallet_id = wallet_of('alice') then -1 end
    from changed c
    where l.transaction_id = c.id;
    update wallet.ledger set balance_after = 4 where wallet_id = wallet_of('alice') and seq = 4
  $$),
  'floor', 'a balance below zero, all else being right'
);
select is(
  pg_temp.found($$
    update wallet.ledger set seq = seq + 1000000 where wallet_id <> wallet_of('alice') and transaction_id = (select max(id) from wallet.transactions)
  $$),
  'system_entry', 'a system wallet''s entry with a seq of its own'
);
select is(
  pg_temp.found($$
    update wallet.ledger set balance_after = 0 where wallet_id <> wallet_of('alice') and transaction_id = (select max(id) from wallet.transactions)
  $$),
  'system_entry', 'a system wallet''s entry with a balance'
);

-- where
set local session_replication_role = replica;
update wallet.ledger set balance_after = 1061 where wallet_id = wallet_of('alice') and seq = 3;
set local session_replication_role = origin;
select results_eq(
  'select violation, wallet_id, seq, transaction_id from wallet_verify()',
  $$ select 'running_balance', t.wallet_id, t.seq, t.id from wallet.transactions t where t.txn_id = txn(2) $$,
  'a finding names the wallet, the entry and the transaction'
);
select matches((wallet_verify()).detail, '1061.*1060', 'and says what is and what should be');

-- who
select is(
  (select provolatile from pg_proc where oid = 'public.wallet_verify()'::regprocedure), 's'::"char", 'it reads one snapshot'
);
set local session authorization wallet_api;
select throws_ok('select wallet_verify()', '42501', null, 'the service may not call it');
reset session authorization;

select * from finish();
