select plan(21);

-- a superuser, with rows to change and without
select throws_ok('update wallet.ledger set amount = amount + 1', 'WA008', null, 'entries are not updated');
select throws_ok('delete from wallet.ledger', 'WA008', null, 'entries are not deleted');
select throws_ok('truncate wallet.ledger', 'WA008', null, 'the ledger is not truncated');
select throws_ok('update wallet.transactions set amount = amount + 1', 'WA008', null, 'transactions are not updated');
select throws_ok('delete from wallet.transactions', 'WA008', null, 'transactions are not deleted');
select throws_ok('truncate wallet.transactions cascade', 'WA008', null, 'transactions are not truncated');
select throws_ok('delete from wallet.ledger where false', 'WA008', null, 'not even no row is deleted');
select throws_ok(
  $$
    merge into wallet.ledger l using wallet.ledger s on l.wallet_id = s.wallet_id and l.seq = s.seq
    when matched then update set amount = 1
  $$,
  'WA008', null, 'nor are entries changed by a merge'
);
select throws_ok(
  $$ insert into wallet.transactions select * from wallet.transactions on conflict (id) do update set amount = 1 $$,
  'WA008', null, 'nor transactions by an upsert'
);
select is(
  refusal('truncate wallet.ledger') -> 'detail', '{"table": "ledger", "operation": "truncate"}'::jsonb,
  'WA008 names the table and what was tried'
);
select is(balance_of('alice'), 1000::bigint, 'all is as it was');

-- the owner of the tables
set local role wallet_owner;
select throws_ok('update wallet.ledger set amount = 1', 'WA008', null, 'their owner does not update entries');
select throws_ok('delete from wallet.ledger', 'WA008', null, 'their owner does not delete entries');
select throws_ok('truncate wallet.ledger', 'WA008', null, 'their owner does not truncate the ledger');
select throws_ok('update wallet.transactions set amount = 1', 'WA008', null, 'their owner does not update transactions');
select throws_ok('delete from wallet.transactions', 'WA008', null, 'their owner does not delete transactions');
select throws_ok('truncate wallet.transactions cascade', 'WA008', null, 'their owner does not truncate transactions');
reset role;

-- the service
set local session authorization wallet_api;
select throws_ok('select from wallet.ledger', '42501', null, 'the service does not read entries');
select throws_ok('insert into wallet.ledger values (1, 1, 1, 1, gen_random_uuid())', '42501', null, 'the service does not write entries');
select throws_ok('delete from wallet.transactions', '42501', null, 'the service does not delete transactions');
select throws_ok('create table public.mine (id integer)', '42501', null, 'the service makes no tables');
reset session authorization;

select * from finish();
