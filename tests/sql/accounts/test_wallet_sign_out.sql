select plan(19);

create temp view generation as select u.token_generation as now from wallet.users u where u.username = 'alice';
create function pg_temp.knows(p_token integer) returns boolean language sql
as $$ select exists (select from wallet_principal(user_of('alice'), txn(p_token), (select g.now from generation g))) $$;

-- one token
select lives_ok($$ select wallet_sign_out(user_of('alice'), txn(1), now() + interval '1 hour') $$, 'a token is revoked');
select ok(not pg_temp.knows(1), 'whoever has it is nobody');
select ok(pg_temp.knows(2), 'another token of the user is valid');
select lives_ok($$ select wallet_sign_out(user_of('alice'), txn(1), now() + interval '1 hour') $$, 'again is no error');
select is((select count(*) from wallet.revocations), 1::bigint, 'and changes nothing');
select is(refused($$ select wallet_sign_out(user_of('alice'), null, now()) $$), 'WA002 token_id', 'it needs the token');
select is(refused($$ select wallet_sign_out(user_of('alice'), txn(3), null) $$), 'WA002 expires_at', 'and when that expires');
select is(refused($$ select wallet_sign_out(gen_random_uuid(), txn(3), now()) $$), 'WA029', 'and a user who exists');

-- all of them
select is(wallet_sign_out_everywhere(user_of('alice')), 1, 'signing out everywhere begins a generation of tokens');
select is_empty($$ select from wallet_principal(user_of('alice'), txn(2), 0) $$, 'tokens of the one before are revoked');
select ok(pg_temp.knows(2), 'those of the new one are valid');
select isnt_empty($$ select from wallet_principal(user_of('bob'), txn(2), 0) $$, 'so are other users''');
select is(refused('select wallet_sign_out_everywhere(gen_random_uuid())'), 'WA029', 'an unknown user has none');
select lives_ok($$ select wallet_set_role('alice', 'user') $$, 'an administrator sets a role');
select is((select now from generation), 2, 'which signs the user out everywhere');

-- what processes of the service hear
select results_eq(
  'select user_ids from wallet_revocations(0)',
  $$ values (array[user_of('alice'), user_of('alice'), user_of('alice')]) $$,
  'every revocation is told, with its user'
);
select results_eq('select ids, user_ids from wallet_revocations(null)', $$ values ('{}'::bigint[], '{}'::uuid[]) $$, 'the first call only says where to start');

-- pruned
update wallet.revocations set expires_at = now() - interval '1 second';
select lives_ok($$ select wallet_sign_out(user_of('alice'), txn(9), now() + interval '1 hour') $$, 'another sign-out comes');
select is((select array_agg(token_id) from wallet.revocations), array[txn(9)], 'what would have expired is forgotten');

select * from finish();
