select plan(8);

select results_eq(
  $$ select user_id, username, role, wallet_id from wallet_credentials('alice') $$,
  $$ values (user_of('alice'), 'alice', 'user', wallet_of('alice')) $$,
  'it returns the user and the default wallet'
);
select is((wallet_credentials('alice')).password_hash, u.password_hash, 'it returns the hash to check a password against')
from wallet.users u where u.username = 'alice';
select is((wallet_credentials('ALICE')).user_id, user_of('alice'), 'the name is folded to lower case');
select is_empty($$ select from wallet_credentials('nobody') $$, 'an unknown name has no row');
select is_empty('select from wallet_credentials(null)', 'a null name has no row');
select is_empty($$ select from wallet_credentials('alice ') $$, 'the name is taken as it is');

select lives_ok($$ select wallet_register('kim', 'h') $$, 'a user has a k in the name');
-- the Kelvin sign is lower-cased to an ordinary k by some rules
select is_empty($$ select from wallet_credentials(u&'\212Aim') $$, 'letters that only fold to a to z are no match');

select * from finish();
