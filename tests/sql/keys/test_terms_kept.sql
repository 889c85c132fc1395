-- What a key may do never changes, and who used it neither: not by the owner of the tables.
select plan(12);
select lives_ok(
  $$
    select wallet_create_key(txn(900), 'a shop', sha256('900'), 'pgw_00000000', '{topup}', array[user_of('alice')]);
    select wallet_topup(wallet_of('alice'), txn(1), 5, p_actor => user_of('alice'), p_key_id => txn(900));
  $$, 'a key was used'
);
set local role wallet_owner;
select throws_ok($$ update wallet.api_keys set scopes = '{spend}' $$, 'WA008', null, 'no scopes');
select throws_ok($$ update wallet.api_keys set all_users = true $$, 'WA008', null, 'no users');
select throws_ok($$ update wallet.api_keys set expires_at = now() $$, 'WA008', null, 'no end');
select throws_ok($$ delete from wallet.api_keys $$, 'WA008', null, 'no key goes');
select lives_ok($$ update wallet.api_keys set last_used_at = now(), revoked_at = now() $$, 'it is used, and revoked');
select throws_ok($$ update wallet.api_keys set revoked_at = null $$, 'WA008', null, 'for good');
select throws_ok($$ delete from wallet.key_subjects $$, 'WA008', null, 'no user is taken from it');
select throws_ok($$ update wallet.key_subjects set user_id = key_id $$, 'WA008', null, 'or replaced');
select throws_ok($$ delete from wallet.key_uses $$, 'WA008', null, 'nothing was not done by it');
select throws_ok($$ update wallet.key_uses set key_id = gen_random_uuid() $$, 'WA008', null, 'or by another');
reset role;
select is_empty('select * from wallet_verify()', 'a sound ledger');
select * from finish();
