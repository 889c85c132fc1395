-- An operator of another database is one here, too, and nothing else.
select plan(58);

create function pg_temp.olga() returns uuid language sql immutable as $$ select '0197c3b4-5d6e-8abc-9def-012345678002'::uuid $$;
create function pg_temp.stored() returns table (username text, password_hash text, role text)
language sql as $$ select u.username, u.password_hash, u.role from wallet.users u where u.id = pg_temp.olga() $$;
create temp table before as select coalesce(max(id), 0) as id from wallet.account_events;

-- who is none
select is_empty($$ select * from wallet_copy_operator(pg_temp.olga(), 'olga', 'user') $$, 'who was no operator is not copied');
select is_empty('select * from pg_temp.stored()', 'so that nothing is stored');

-- who is one
select results_eq(
  $$ select * from wallet_copy_operator(pg_temp.olga(), 'OLGA', 'operator') $$, $$ values (pg_temp.olga(), 'olga', 'operator') $$,
  'an operator of another database is copied'
);
select results_eq('select * from pg_temp.stored()', $$ values ('olga', 'elsewhere', 'operator') $$, 'without a password');
select is_empty('select from wallet.wallets where owner_id = pg_temp.olga()', 'and without a wallet');
select results_eq(
  $$ select * from wallet_copy_operator(pg_temp.olga(), 'olga', 'operator') $$, $$ values (pg_temp.olga(), 'olga', 'operator') $$, 'doing it again'
);
select results_eq(
  $$ select actor, action, before, detail from wallet.operator_actions where user_id = pg_temp.olga() order by id $$,
  $$ values (null::uuid, 'role', '{"role": "user"}'::jsonb, '{"role": "operator"}'::jsonb) $$, 'is no second change on record'
);
select is_empty($$ select from wallet.account_events where id > (select id from before) $$, 'it is no event: that is where the operator lives');
select is_empty('select * from wallet_verify()', 'the copy is no violation');

-- what the copy is for
select is((wallet_search('bob', pg_temp.olga())).username, 'bob', 'the operator acts here');
select results_eq(
  $$ select actor_username, action from wallet_audit(p_operator_id => pg_temp.olga()) $$, $$ values ('olga', 'read') $$, 'and is named in the audit'
);
select lives_ok($$ select wallet_set_status(wallet_of('bob'), 'frozen', 'a test', pg_temp.olga()) $$, 'and changes wallets');
select is(refused($$ select wallet_register('olga', 'hash') $$), 'WA005 username', 'nobody else gets the name here');

-- what it is not
select is_empty($$ select * from wallet_credentials('olga') $$, 'nobody has its credentials');
select is_empty($$ select * from wallet_sign_in('olga', 'here') $$, 'nobody signs in as the copy');
select is_empty('select * from wallet_principal(pg_temp.olga())', 'nobody calls as the copy');
select is(refused('select wallet_me(pg_temp.olga())'), 'WA029', 'it is no user to look at');
select is(refused($$ select wallet_open(pg_temp.olga(), 'UC') $$), 'WA029', 'it opens no wallet');
select is(refused($$ select wallet_find(pg_temp.olga(), 'UC') $$), 'WA029', 'and has none');
select is(refused($$ select wallet_transfer(wallet_of('alice'), txn(1), 1, p_to_username => 'olga') $$), 'WA009 to_username', 'it receives nothing');
select is_empty($$ select * from wallet_recipients(wallet_of('alice'), '{olga}') $$, 'as a look at recipients tells');
select is(refused('select wallet_inspect_user(pg_temp.olga())'), 'WA029', 'operators do not see it as a user');
select is_empty($$ select * from wallet_search('olg') where kind = 'user' $$, 'nor find it by name');
select is_empty($$ select * from wallet_search(pg_temp.olga()::text) $$, 'nor by id');
select results_eq(
  $$ select username, is_last from wallet_users() $$, $$ values ('charlie', false), ('bob', false), ('alice', true) $$, 'nor in the list of users'
);
select results_eq(
  $$ select username, is_last from wallet_users(3) $$, $$ values ('charlie', false), ('bob', false), ('alice', true) $$, 'where it makes no page shorter'
);
select is(refused($$ select wallet_set_role('olga', 'user') $$), 'WA029', 'the role is changed where the user lives');
select is(
  refused($$ select wallet_create_password_reset(pg_temp.olga(), sha256('t'), 'forgot', p_actor => null) $$), 'WA029', 'and so is the password'
);
select results_eq(
  $$ select section from wallet_export_user('olga') where section in ('user', 'actions_taken') and item is not null group by section order by section $$,
  $$ values ('actions_taken'), ('user') $$, 'an export tells what is stored here'
);

-- the end of it
select lives_ok($$ select wallet_create_password_reset(user_of('bob'), sha256('a token'), 'forgot', p_actor => pg_temp.olga()) $$, 'a token that it made');
select results_eq(
  $$ select user_id, username ~ '^former-[0-9a-f-]{36}$', role from wallet_copy_operator(pg_temp.olga(), 'olga', 'user') $$,
  $$ values (pg_temp.olga(), true, 'user') $$, 'no operator any more: the name is given up'
);
select is_empty($$ select from wallet_copy_operator(pg_temp.olga(), 'olga', 'user') $$, 'which comes once');
select is_empty($$ select from wallet.users where username = 'olga' $$, 'so that an erasure elsewhere leaves none here');
select is(refused($$ select wallet_search('bob', pg_temp.olga()) $$), 'WA027', 'does nothing here any more');
select is_empty('select from wallet.password_resets', 'the token has ended');
select results_eq(
  $$ select before, detail from wallet.operator_actions where user_id = pg_temp.olga() and action = 'role' order by id desc limit 1 $$,
  $$ values ('{"role": "operator"}'::jsonb, '{"role": "user"}'::jsonb) $$, 'and that is on record'
);
select is_empty('select * from wallet_verify()', 'a copy that is no operator any more is no violation');

-- erasure
select lives_ok($$ select wallet_copy_operator(pg_temp.olga(), 'olga', 'operator'); select wallet_set_role('alice', 'operator') $$, 'an operator again');
select is(
  refused($$ select wallet_erase_user(pg_temp.olga(), 'asked for it', user_of('alice')) $$), 'WA038 user_id', 'an operator is erased by administrators alone'
);
select matches((wallet_erase_user(pg_temp.olga(), 'asked for it')).username, '^erased-', 'an erasure takes the name of the copy');
select results_eq('select password_hash, role from pg_temp.stored()', $$ values ('erased', 'user') $$, 'and the role');
select is_empty(
  $$ select from wallet.account_events where id > (select id from before) and user_id = pg_temp.olga() $$, 'it is no event here, either'
);
select is(refused($$ select wallet_copy_operator(pg_temp.olga(), 'olga', 'operator') $$), 'WA030', 'an erased one is not copied again');
select is(refused($$ select wallet_erase_user(pg_temp.olga(), 'again') $$), 'WA030', 'nor erased again');
select is(
  refused($$ select wallet_erase_user('0197c3b4-5d6e-8abc-9def-012345678003', 'elsewhere') $$), 'WA029', 'where there is no copy there is nobody to erase'
);
select is_empty('select * from wallet_verify()', 'and all is well');

-- arguments
select is(refused(format('select wallet_copy_operator(%L, %L, %L)', i, n, r)), f, format('%s, %s, %s are refused', i, left(n, 10), r))
from (values
  (null::uuid, 'paul', 'operator', 'WA002 user_id'),
  (user_of('bob'), 'bob', 'operator', 'WA002 user_id'),
  (wallet.new_id(), 'paul', 'operator', 'WA002 user_id'),
  ('0197c3b4-5d6e-8abc-9def-012345678fff', null, 'operator', 'WA002 username'),
  ('0197c3b4-5d6e-8abc-9def-012345678fff', 'pa', 'operator', 'WA002 username'),
  ('0197c3b4-5d6e-8abc-9def-012345678fff', E'paul\n', 'operator', 'WA002 username'),
  ('0197c3b4-5d6e-8abc-9def-012345678fff', 'päul', 'operator', 'WA002 username'),
  ('0197c3b4-5d6e-8abc-9def-012345678fff', repeat('x', 65), 'operator', 'WA002 username'),
  ('0197c3b4-5d6e-8abc-9def-012345678fff', 'paul', null, 'WA002 role'),
  ('0197c3b4-5d6e-8abc-9def-012345678fff', 'paul', 'administrator', 'WA002 role'),
  ('0197c3b4-5d6e-8abc-9def-012345678fff', 'BOB', 'operator', 'WA005 username')
) a (i, n, r, f);
set local role wallet_api;
select throws_ok($$ select wallet_copy_operator(pg_temp.olga(), 'olga', 'operator') $$, '42501', null, 'the service may not');
reset role;

select * from finish();
