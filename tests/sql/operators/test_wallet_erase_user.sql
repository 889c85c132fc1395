-- A person is erased; the money, the chain and the record of who did it stay.
select plan(44);

create temp table receipts as select * from wallet_topup(wallet_of('alice'), txn(1), 100, 'from grandma', '{"note": "happy birthday"}', '2026-01-01');
insert into receipts select * from wallet_topup(wallet_of('alice'), txn(2), 5);
insert into receipts select * from wallet_transfer(wallet_of('alice'), txn(3), 10, p_to_username => 'bob', p_reference => 'to bob');
select lives_ok(
  $$ select wallet_transfer(wallet_of('bob'), txn(1), 10, p_to_username => 'alice', p_reference => 'from bob'),
    wallet_hold(wallet_of('alice'), txn(4), 7, p_reference => 'a hotel', p_metadata => '{"room": 1}'), wallet_set_role('charlie', 'operator') $$,
  'alice has details'
);
create temp table alice as select user_of('alice') as user_id, wallet_of('alice') as wallet_id, balance_of('alice') as balance;
create temp table hashes as select l.wallet_id, l.seq, l.hash from wallet.ledger l;
create temp table erased (user_id uuid, username text, transactions bigint, holds bigint, erased_at timestamptz);
grant all on alice, erased to public;

-- who may
set local session authorization wallet_api;
select is(refused($$ select wallet_erase_user(user_of('alice'), 'her wish', user_of('alice')) $$), 'WA027', 'nobody erases themselves');
select is(refused($$ select wallet_erase_user(user_of('alice'), 'her wish') $$), 'WA002 actor', 'the service must say for whom');
select is(refused($$ select wallet_erase_user(user_of('alice'), null, user_of('charlie')) $$), 'WA002 reason', 'a reason must be given');
select is(refused($$ select wallet_erase_user(user_of('alice'), '', user_of('charlie')) $$), 'WA002 reason', 'that says something');
select is(refused($$ select wallet_erase_user(null, 'her wish', user_of('charlie')) $$), 'WA002 user_id', 'and a user');
select is(refused($$ select wallet_erase_user(gen_random_uuid(), 'her wish', user_of('charlie')) $$), 'WA029', 'who exists');
insert into erased select * from wallet_erase_user(user_of('alice'), 'request 17', user_of('charlie'));
reset session authorization;
select results_eq(
  $$ select actor, reason, detail from wallet.operator_actions where user_id = (select user_id from alice) $$,
  $$ values (user_of('charlie'), 'request 17', '{"transactions": 2, "holds": 1}'::jsonb) $$, 'it is on record among what operators did'
);
set local session authorization wallet_api;

-- what is gone
select results_eq(
  'select user_id, transactions, holds from erased', 'select user_id, 2::bigint, 1::bigint from alice', 'it says of how much the details were erased'
);
select matches(username, '^erased-[0-9a-f-]{36}$', 'and the new name') from erased;
select is_empty($$ select wallet_principal(user_id) from alice $$, 'a token stands for nobody');
reset session authorization;
select is_empty($$ select wallet_credentials('alice') $$, 'nobody can sign in by the old name');
select is_empty($$ select wallet_credentials(username) from erased $$, 'nor by the new one');
select results_eq(
  $$ select u.username, u.password_hash, u.role from wallet.users u join alice a on a.user_id = u.id $$,
  $$ select username, 'erased', 'user' from erased $$, 'name, password and role are gone'
);
select is_empty(
  $$ select d.* from wallet.transaction_details d join wallet.transactions t on t.id = d.transaction_id join alice a on a.wallet_id = t.wallet_id
    where num_nonnulls(d.reference, d.metadata, d.effective_at, d.salt) > 0 $$,
  'so are the details of her transactions, and their salts'
);
select is_empty($$ select from wallet.holds h join alice using (wallet_id) where num_nonnulls(h.reference, h.metadata) > 0 $$, 'and of her holds');
select isnt_empty(
  $$ select from wallet.transaction_details d where d.reference = 'from bob' and d.salt is not null $$, 'what others wrote is theirs'
);
select isnt_empty($$ select from wallet.revocations r join alice using (user_id) where r.token_id is null $$, 'workers are told that her tokens ended');

-- what stays
select results_eq(
  $$ select e.user_id, e.actor, e.reason, e.transactions, e.holds from wallet.erasures e $$,
  $$ select user_id, user_of('charlie'), 'request 17', 2::bigint, 1::bigint from alice $$, 'who did it, and why, is on record'
);
select throws_ok('delete from wallet.erasures', 'WA008', null, 'for good');
select throws_ok('update wallet.erasures set reason = null', 'WA008', null, 'and unchanged');
select is_empty('select * from wallet_verify()', 'the ledger verifies');
select is_empty('(select l.wallet_id, l.seq, l.hash from wallet.ledger l) except table hashes', 'no hash changed');
select is((select sum(l.amount)::bigint from wallet.ledger l join alice using (wallet_id)), balance, 'nor did the balance') from alice;
select is(array(select wallet_verify_receipt(wallet_id, txn_id, receipt) from receipts), array['ok', 'ok', 'ok'], 'receipts still hold');
select is(
  (select (wallet_topup(wallet_id, txn(1), 100, 'from grandma', '{"note": "happy birthday"}', '2026-01-01')).receipt from alice),
  (select receipt from receipts where txn_id = txn(1)), 'a replay answers as before'
);
select is((select (wallet_topup(wallet_id, txn(1), 100)).replayed from alice), true, 'whatever details it names');
select is(refused($$ select wallet_topup((select wallet_id from alice), txn(1), 101) $$), 'WA004 amount', 'the money is still compared');
select is(refused($$ select wallet_topup((select wallet_id from alice), txn(2), 5, 'x') $$), 'WA004 reference', 'and details where there never were any');
select is_empty(
  $$ select from wallet_entries((select wallet_id from alice)) e where e.reference in ('from grandma', 'to bob') or e.metadata is not null or e.effective_at is not null $$, 'the history has no details of hers'
);

-- once
select is(refused($$ select wallet_erase_user((select user_id from alice), 'again') $$), 'WA030', 'nobody is erased twice');
select is(refused($$ select wallet_register('alice', 'hash') $$), 'WA005 username', 'the name is not given to anybody else');
select is(refused($$ select wallet_register('ALICE', 'hash') $$), 'WA005 username', 'however it is written');
select is(
  (select encode(digest, 'hex') from wallet.reserved_names where user_id = (select user_id from erased)),
  (select encode(wallet.name_digest('Alice'), 'hex')), 'it is on record as an HMAC alone'
);
select is_empty($$ select from wallet.reserved_names n where position(convert_to('alice', 'UTF8') in n.digest) > 0 $$, 'and nowhere in the clear');
-- what arrives later
select is((select (wallet_hold(wallet_id, txn(20), 5, 60, 'a secret', '{"a": 1}')).replayed from alice), false, 'a hold with a reference arrives');
select is((select (wallet_topup(wallet_id, txn(21), 5, 'a secret', '{"a": 1}')).replayed from alice), false, 'a top-up with a reference arrives');
select is_empty(
  $$ select from wallet.transaction_details d where d.reference ~ 'secret' union all select from wallet.holds h where h.reference ~ 'secret' $$,
  'nothing of it is stored in the clear'
);
select is((select (wallet_hold(wallet_id, txn(20), 5, 60, 'a secret', '{"a": 1}')).replayed from alice), true, 'the hold is replayed');
select is((select (wallet_topup(wallet_id, txn(21), 5, 'a secret', '{"a": 1}')).replayed from alice), true, 'so is the top-up');
select is_empty('select * from wallet_verify()', 'the ledger verifies');
select is(refused($$ select wallet_transfer(wallet_of('bob'), txn(9), 1, p_to_username => (select username from erased)) $$), 'no error', 'her wallet still receives');
select wallet_set_role('bob', 'operator');
select is(refused($$ select wallet_erase_user(user_of('bob'), 'a rival', user_of('charlie')) $$), 'WA038 user_id', 'an operator erases no operator');
select is((select transactions from wallet_erase_user(user_of('bob'), 'by psql')), 1::bigint, 'an administrator does');
select * from finish();
