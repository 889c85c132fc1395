select plan(4);

select results_eq(
  $$ select user_id, username, role, wallet_id from wallet_principal(user_of('alice')) $$,
  $$ values (user_of('alice'), 'alice', 'user', wallet_of('alice')) $$,
  'it returns the user and the default wallet'
);
update wallet.users set role = 'operator' where username = 'alice';
select is((wallet_principal(user_of('alice'))).role, 'operator', 'the role is the one stored now');
select is_empty('select from wallet_principal(gen_random_uuid())', 'an unknown id has no row');
select is_empty('select from wallet_principal(null)', 'a null id has no row');

select * from finish();
