-- What operators are shown of users, of what was done, and of verifications.
select plan(42);

select lives_ok($$ select wallet_set_role('charlie', 'operator') $$, 'charlie is an operator');

-- one user
select results_eq(
  $$ select u.id, u.username, u.role, u.created_at is null, u.last_sign_in_at, u.erased_at from wallet_inspect_user(user_of('alice'), user_of('charlie')) u $$,
  $$ values (user_of('alice'), 'alice', 'user', false, null::timestamptz, null::timestamptz) $$, 'a user has a name, a role and times'
);
select is(
  (select u.wallets from wallet_inspect_user(user_of('alice'), user_of('charlie')) u),
  (select jsonb_agg(to_jsonb(l)) from wallet_list(user_of('alice')) l), 'and wallets, as wallet_list() has them'
);
select results_eq(
  $$ select o.actor, o.user_id, o.wallet_id, o.detail from wallet.operator_actions o where o.action = 'read' $$,
  $$ values (user_of('charlie'), user_of('alice'), null::uuid, '{"of": "user"}'::jsonb), (user_of('charlie'), user_of('alice'), null, '{"of": "user"}') $$,
  'each look is on record'
);
select is(refused($$ select wallet_inspect_user(null) $$), 'WA002 user_id', 'no id is refused');
select is(refused($$ select wallet_inspect_user(gen_random_uuid()) $$), 'WA029', 'an unknown user is refused');
insert into wallet.users (id, username, password_hash) values (wallet.new_id(), 'walletless', 'x');
select is((select u.wallets from wallet_inspect_user(user_of('walletless')) u), '[]', 'a user may have no wallet');

-- users by pages
create temp table everybody as select u.id, row_number() over (order by u.id desc) as place from wallet.users u;
select results_eq(
  $$ select u.id, u.is_last from wallet_users(2, null, user_of('charlie')) u $$, $$ select e.id, false from everybody e where e.place < 3 order by e.place $$, 'the newest users come first'
);
select is(
  (select count(*) from wallet.operator_actions o where o.detail = '{"of": "users"}' and o.user_id in (select e.id from everybody e where e.place < 3)),
  2::bigint, 'who was shown is on record'
);
select is((select count(*) from wallet.operator_actions o where o.detail = '{"of": "users"}'), 2::bigint, 'and nobody else');
select results_eq(
  $$ select u.id, u.is_last from wallet_users(1000, (select e.id from everybody e where e.place = 2)) u $$,
  $$ select e.id, e.place = (select max(place) from everybody) from everybody e where e.place > 2 order by e.place $$, 'the next page goes on to the last, which is marked'
);
select results_eq(
  $$ select count(*), bool_or(u.is_last) from wallet_users((select count(*) from everybody)::integer) u $$, $$ select count(*), true from everybody $$, 'a page of exactly all is the last'
);
select is_empty($$ select wallet_users(10, '00000000-0000-0000-0000-000000000000') $$, 'below the lowest id is nobody');
select is(
  array(select refused(format('select wallet_users(%s)', n)) from unnest(array['0', '1001', 'null']) n (n)),
  array['WA002 limit', 'WA002 limit', 'WA002 limit'], 'a page has 1 to 1,000 users'
);

-- the record
select lives_ok(
  $$
    select wallet_set_status(wallet_of('alice'), 'frozen', 'court order', user_of('charlie')),
      wallet_set_limits(wallet_of('bob'), '{spend}', '{5}', '{null}', '{null}', p_reason => 'asked for it'),
      wallet_adjust(wallet_of('bob'), txn(1), 7, 'a mistake', p_actor => user_of('charlie')),
      wallet_fund(wallet_of('bob'), txn(2), 8, p_actor => user_of('charlie')),
      wallet_erase_user(user_of('walletless'), 'on request', user_of('charlie'))
  $$, 'operators do things'
);
create temp table done as
select a.id, a.actor_username, a.action, a.username, a.wallet_id, a.reason, a.before, a.after, a.transaction_id
from wallet_audit(p_limit => 5, p_actor => user_of('charlie')) a;
select results_eq(
  $$ select d.actor_username, d.action, d.username ^@ 'erased-', d.wallet_id, d.reason, d.before, d.after from done d where d.action = 'erase' $$,
  $$ values ('charlie', 'erase', true, null::uuid, 'on request', null::jsonb, '{"holds": 0, "transactions": 0}'::jsonb) $$, 'an erasure: who, whom and why'
);
select results_eq(
  $$ select d.username, d.wallet_id, d.reason, d.before, d.after from done d where d.action = 'status' $$,
  $$ values ('alice', wallet_of('alice'), 'court order', '{"status": "active"}'::jsonb, '{"status": "frozen"}'::jsonb) $$, 'a status: what was before, and after'
);
select results_eq(
  $$ select d.actor_username, d.reason, d.before -> 'limits', d.after #> '{limits,0,per_transaction}' from done d where d.action = 'limits' $$,
  $$ values (null, 'asked for it', '[]'::jsonb, '5'::jsonb) $$, 'limits: likewise; an administrator has no name'
);
select results_eq(
  $$ select d.username, d.reason, d.transaction_id from done d where d.action = 'adjustment' $$,
  $$ select 'bob', 'a mistake', t.id from wallet.transactions t where t.txn_id = txn(1) $$, 'an adjustment: the reason is the transaction''s reference'
);
select is((select d.reason from done d where d.action = 'topup'), null, 'a top-up may have none');
select is((select count(*) from wallet.operator_actions o where o.id > (select max(id) from done)), 0::bigint, 'to read the record leaves no row in it');

create temp table record as select a.* from wallet_audit(p_limit => 1000) a;
select results_eq($$ select id from record $$, $$ select o.id from wallet.operator_actions o order by o.id desc $$, 'all of it is there, newest first');
select results_eq(
  $$ select a.id from wallet_audit(p_limit => 2, p_before_id => (select max(id) from record)) a $$,
  $$ select id from record order by id desc limit 2 offset 1 $$, 'the next page goes on below'
);
select results_eq(
  $$ select a.id from wallet_audit(p_user_id => user_of('alice')) a $$, $$ select id from record where user_id = user_of('alice') order by id desc $$, 'by user'
);
select results_eq(
  $$ select a.id from wallet_audit(p_wallet_id => wallet_of('bob')) a $$, $$ select id from record where wallet_id = wallet_of('bob') order by id desc $$, 'by wallet'
);
select results_eq(
  $$ select a.id from wallet_audit(p_operator_id => user_of('charlie')) a $$, $$ select id from record where actor = user_of('charlie') order by id desc $$, 'by operator'
);
select results_eq(
  $$ select a.id from wallet_audit(p_action => 'status') a $$, $$ select id from record where action = 'status' $$, 'by action'
);
select results_eq(
  $$ select a.id from wallet_audit(p_action => 'read') a $$, $$ select id from record where action = 'read' order by id desc $$, 'the looks alone'
);
select results_eq(
  $$ select a.id from wallet_audit(p_action => 'done') a $$, $$ select id from record where action <> 'read' order by id desc $$, 'all but the looks'
);
select results_eq(
  $$ select a.action from wallet_audit(user_of('bob'), wallet_of('bob'), user_of('charlie'), 'topup') a $$, $$ values ('topup') $$, 'by all of them'
);
select is_empty($$ select wallet_audit(user_of('alice'), wallet_of('bob')) $$, 'a wallet of another user has nothing about this one');
select results_eq(
  $$ select distinct a.asset, a.scale from wallet_audit(p_wallet_id => wallet_of('bob')) a $$, $$ values ('UC'::text, 0::smallint) $$,
  'each row of a wallet tells its asset, for amounts'
);
select is_empty($$ select wallet_audit(p_action => 'nothing') $$, 'nobody did what there is not');
select is(
  array(select refused(format('select wallet_audit(p_limit => %s)', n)) from unnest(array['0', '1001', 'null']) n (n)),
  array['WA002 limit', 'WA002 limit', 'WA002 limit'], 'a page has 1 to 1,000 rows'
);
select is(refused($$ select wallet_audit(p_before_id => 0) $$), 'WA024 cursor', 'a position below 1 is refused');

-- a row from before the record had owners
insert into wallet.operator_actions (wallet_id, action, detail) values (wallet_of('alice'), 'status', '{"from": "active", "to": "active", "reason": "old"}');
select results_eq(
  $$ select a.reason, a.user_id from wallet_audit(user_of('alice'), p_limit => 1) a $$, $$ values ('old', user_of('alice')) $$, 'an old row is about the wallet''s owner'
);
select is((select count(*) from wallet_audit(user_of('alice'), p_limit => 1000) a), (select count(*) + 1 from record where user_id = user_of('alice')), 'and no row is there twice');

-- a filtered page examines a bounded number of rows
insert into wallet.operator_actions (user_id, actor, action) select user_of('bob'), user_of('charlie'), 'read' from generate_series(1, 1500);
select results_eq(
  $$ select a.id > 0, a.action from wallet_audit(p_operator_id => user_of('charlie'), p_action => 'status') a $$, $$ values (true, null) $$, 'a page that ends early says how far it got'
);
select results_eq(
  $$
    select a.action
    from wallet_audit(
      p_operator_id => user_of('charlie'), p_action => 'status',
      p_before_id => (select s.id from wallet_audit(p_operator_id => user_of('charlie'), p_action => 'status') s)
    ) a
  $$, $$ values ('status') $$, 'and the next one finds it'
);

-- verifications
select lives_ok($$ select wallet_record_verification(n, n / 2.0 + 0.00049) from generate_series(1, 3) n $$, 'there were verifications');
select results_eq(
  $$ select v.violations, v.seconds from wallet_verifications(2, null, user_of('charlie')) v $$, $$ values (3::bigint, 1.5::double precision), (2, 1) $$, 'the newest come first, with their time in milliseconds'
);
select results_eq(
  $$ select v.violations from wallet_verifications(1, (select min(n.id) from wallet_verifications(2) n)) v $$, $$ values (1::bigint) $$, 'the next page goes on below'
);
select * from finish();
