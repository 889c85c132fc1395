-- Whose a login is: recorded by administrators, on record, and gone with the role and the person.
select plan(16);

select lives_ok(
  $$
    select wallet_set_role('charlie', 'operator'), wallet_register('olga', 'hash'), wallet_set_role('olga', 'operator');
    create role a_login login; create role no_login;
  $$, 'there are two operators'
);
create function pg_temp.recorded() returns table (action text, user_id uuid, actor uuid, after jsonb)
language sql as $$ select a.action, a.user_id, a.actor, a.after from wallet_audit() a where a.action ^@ 'login_' order by a.id $$;

select is(refused($$ select wallet_record_login('no_login', 'charlie') $$), 'WA002 login', 'a role that cannot log in is none');
select is(refused($$ select wallet_record_login('no_such_role', 'charlie') $$), 'WA002 login', 'nor is one that does not exist');
select is(refused($$ select wallet_record_login(null, 'charlie') $$), 'WA002 login', 'nor nobody''s');
select is(refused($$ select wallet_record_login('a_login', 'bob') $$), 'WA027', 'a user is no operator');
select is(refused($$ select wallet_record_login('a_login', 'nobody') $$), 'WA029', 'nor is who does not exist');
select is_empty('select * from pg_temp.recorded()', 'nothing is on record');

select lives_ok($$ select wallet_record_login('a_login', 'charlie'), wallet_record_login('a_login', 'charlie') $$, 'a login is charlie''s');
select lives_ok($$ select wallet_record_login('a_login', 'olga') $$, 'and then olga''s');
select results_eq('select l.login, l.user_id from wallet.operator_logins l', $$ select 'a_login', user_of('olga') $$, 'and charlie''s no more');
select results_eq(
  'select * from pg_temp.recorded()',
  $$ values ('login_recorded', user_of('charlie'), null::uuid, '{}'::jsonb), ('login_removed', user_of('charlie'), null, '{}'), ('login_recorded', user_of('olga'), null, '{}') $$,
  'each change is on record, without the login''s name'
);
select results_eq($$ select * from wallet_remove_login('a_login') $$, $$ select 'a_login', user_of('olga') $$, 'it is removed');
select is_empty($$ select * from wallet_remove_login('a_login') $$, 'once');
select results_eq($$ select action, user_id from pg_temp.recorded() offset 3 $$, $$ select 'login_removed', user_of('olga') $$, 'on record, once');

select lives_ok($$ select wallet_record_login('a_login', 'olga'), wallet_erase_user(user_of('olga'), 'a test') $$, 'an operator is erased');
select is_empty('select from wallet.operator_logins', 'whose login goes, too');
select * from finish();
