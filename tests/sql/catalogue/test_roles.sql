-- Logins of people and their programs, which are neither the service's nor an administrator's.
select plan(27);

select lives_ok(
  $$
    select wallet_set_role('charlie', 'operator'), wallet_register('olga', 'hash'), wallet_set_role('olga', 'operator');
    select wallet_create_key(txn(900), 'a shop', sha256('a secret'), 'pgw_of_bobs_', '{read,spend,topup}', p_all_users => true);
    create role a_shop login in role wallet_app;
    create role charlies login in role wallet_operator;
    create role an_analyst login in role wallet_reader;
  $$, 'there are two operators, a key, and a login in each role'
);

-- programs
set local session authorization a_shop;
select is((select s.balance from wallet_spend(wallet_of('bob'), txn(1), 100, p_actor => user_of('bob')) s), 900::bigint, 'a program spends for a user');
select is((select r.balance from wallet_register('dora', 'hash') r), 1000::bigint, 'it makes users');
select is(refused($$ select wallet_topup(wallet_of('charlie'), txn(2), 1, p_actor => user_of('charlie')) $$), 'WA002 actor', 'for an operator it does nothing');
select is(refused($$ select wallet_hold(wallet_of('charlie'), txn(2), 1, p_actor => user_of('charlie')) $$), 'WA002 actor', 'the long way neither');
select is(refused($$ select wallet_balance(wallet_of('charlie'), user_of('charlie')) $$), 'WA002 actor', 'it reads nothing of theirs');
select is(refused($$ select wallet_balances(array[wallet_of('bob'), wallet_of('charlie')], array[user_of('bob'), user_of('charlie')]) $$), 'WA002 actors', 'nor among others');
select results_eq(
  $$
    select b.ordinal, b.outcome, b.detail ->> 'field', b.balance
    from wallet_batch(
      '{topup,topup,topup,topup}', array[wallet_of('bob'), wallet_of('charlie'), wallet_of('dora'), wallet_of('charlie')], array[txn(3), txn(4), txn(5), txn(6)],
      '{1,1,1,1}', p_actors => array[user_of('bob'), user_of('charlie'), user_of('dora'), user_of('charlie')], p_skip_locked => true
    ) b
  $$,
  $$ values (1, 'ok', null, 901::bigint), (2, 'WA002', 'actor', null), (3, 'ok', null, 1001), (4, 'WA002', 'actor', null) $$,
  'in a batch an operator''s items are refused, and the others done'
);
select is(refused($$ select wallet_balance(wallet_of('bob'), user_of('bob'), txn(900)) $$), 'WA035', 'which key was sent is for the service to say');
select is(refused($$ select wallet_topup(wallet_of('bob'), txn(7), 1, p_actor => user_of('bob'), p_key_id => txn(900)) $$), 'WA035', 'also where money moves');
select is(
  refused($$ select wallet_batch('{topup}', array[wallet_of('bob')], array[txn(7)], '{1}', p_actors => array[user_of('bob')], p_key_ids => array[txn(900)]) $$),
  'WA035', 'and in a batch'
);
select is(refused($$ select wallet_balances(array[wallet_of('bob')], array[user_of('bob')], array[txn(900)]) $$), 'WA035', 'and of many balances');
select is(refused(c.call), '42501', 'it cannot call: ' || c.call)
from (values
  ($$ select wallet_authorize_key(sha256('a secret'), '127.0.0.1', user_of('bob'), null) $$), ($$ select wallet_sign_in('bob', null) $$),
  ($$ select wallet_credentials('bob') $$), ($$ select wallet_set_role('bob', 'operator') $$), ($$ select from wallet.users $$)
) as c (call);
reset session authorization;

-- operators
select results_eq($$ select l.login, l.user_id, l.username from wallet_record_login('charlies', 'Charlie') l $$, $$ select 'charlies', user_of('charlie'), 'charlie' $$, 'a login is recorded as an operator''s');
set local session authorization charlies;
select results_eq($$ select w.user_id, w.username from wallet_whoami() w $$, $$ select user_of('charlie'), 'charlie' $$, 'it finds out whose it is');
select lives_ok($$ select wallet_adjust(wallet_of('bob'), txn(8), -1, 'a test', p_actor => user_of('charlie')) $$, 'it adjusts');
select is(refused($$ select wallet_adjust(wallet_of('bob'), txn(9), -1, 'a test', p_actor => user_of('olga')) $$), 'WA002 actor', 'in no other name');
reset session authorization;
select is((select a.actor from wallet_audit(p_action => 'adjustment') a), user_of('charlie'), 'the name is on record');
select lives_ok($$ select wallet_set_role('charlie', 'user'), wallet_set_role('charlie', 'operator') $$, 'whose role ends');
set local session authorization charlies;
select is(refused($$ select wallet_adjust(wallet_of('bob'), txn(8), -1, 'a test', p_actor => user_of('charlie')) $$), 'WA002 actor', 'ends the login, also for what it did before');
reset session authorization;

-- readers
select lives_ok($$ set local role wallet_owner; create view reporting.a_test as select count(*) as users from wallet.users; reset role $$, 'a view is made');
set local session authorization an_analyst;
select cmp_ok((select users from reporting.a_test), '>', 2::bigint, 'an analyst reads it');
select is(refused('select from wallet.users'), '42501', 'and nothing beneath it');
reset session authorization;
select * from finish();
