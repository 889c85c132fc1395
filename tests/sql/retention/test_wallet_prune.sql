-- What is old goes, by rules that administrators set; what the books rest on, and what nobody set a rule for, stays.
select plan(53);

create function pg_temp.aged(p_table regclass, p_column text, p_days integer, p_where text default 'true') returns void
language plpgsql
set session_replication_role = replica
as $$
begin
  execute format('update %s t set %I = %I - %s * interval ''1 day'' where %s', p_table, p_column, p_column, p_days, p_where);
end;
$$;
create function pg_temp.pruned(p_limit integer default 1000) returns table (subject text, removed bigint)
language sql
as $$ select p.subject, p.removed from wallet_prune(p_limit) p where p.removed > 0 $$;

-- rules
set local session authorization wallet_api;
select throws_ok($$ select wallet_set_retention('audit', 1) $$, '42501', null, 'the service sets no rule');
select is((select count(*) from wallet_prune()), 12::bigint, 'it may keep them');
select is((select count(*) from wallet_prune(1000000, true)), 12::bigint, 'and count');
reset session authorization;
select is(refused($$ select wallet_set_retention('ledger', 1) $$), 'WA002 subject', 'there is no rule for the ledger');
select is(refused($$ select wallet_set_retention(null, 1) $$), 'WA002 subject', 'nor for nothing');
select is(refused($$ select wallet_set_retention('audit', 0) $$), 'WA002 days', 'a rule has a day');
select is(refused($$ select wallet_set_retention('audit', 36501) $$), 'WA002 days', 'and no thousand years');
select is(refused('select wallet_prune(' || n || ')'), 'WA002 limit', 'a step has 1 to 10,000 rows: ' || n) from unnest(array['0', '10001', 'null']) n;
select is(refused('select wallet_prune(1000001, true)'), 'WA002 limit', 'a count ends');
select is(refused('select wallet_prune(1, null)'), 'WA002 dry_run', 'it is one or the other');
select results_eq(
  $$ select r.subject, r.keep_days from wallet.retention r order by r.subject collate "C" $$,
  $$ values ('audit', null), ('dead_letters', 400), ('key_uses', null), ('looks', null), ('verifications', 400) $$, 'these are the first'
);

-- acts of all kinds, long ago
select lives_ok(
  $$
    select wallet_set_role(u, 'operator') from unnest('{bob,charlie}'::text[]) u;
    select wallet_set_limits(wallet_of('alice'), '{spend}', '{500}', '{600}', '{null}', -10, 5000, user_of('bob'), 'a test');
    select wallet_set_status(wallet_of('alice'), 'frozen', 'a test', user_of('bob'));
    select wallet_set_status(wallet_of('alice'), 'active', 'a test', user_of('bob'));
    select wallet_fund(wallet_of('alice'), txn(1), 100, p_actor => user_of('bob'));
    select wallet_spend(wallet_of('alice'), txn(2), 30);
    select wallet_give_back(wallet_of('alice'), txn(3), txn(2), 10, p_actor => user_of('bob'));
    select wallet_propose('adjustment', wallet_of('alice'), txn(n), null, 5, 'a test', null, null, 0, user_of('bob')) from generate_series(4, 6) n;
    select wallet_confirm((select c.id from wallet.confirmations c where c.txn_id = txn(4)), user_of('charlie'));
    select wallet_reject((select c.id from wallet.confirmations c where c.txn_id = txn(5)), 'no', user_of('charlie'));
    select wallet_register('dora', 'hash');
    select wallet_spend(wallet_of('dora'), txn(7), 1, p_reference => 'a reference');
    select wallet_erase_user(user_of('dora'), 'a test', user_of('bob'));
    select wallet_create_webhook(txn(900), 'https://example.com', p_actor => user_of('bob'));
    select wallet_create_password_reset(user_of('alice'), sha256('a token'), 'a test', p_actor => user_of('bob'));
    select count(*) from wallet_search('alice', user_of('bob'))
  $$, 'operators did all that they can do'
);
select isnt_empty($$ select from wallet.operator_actions a where a.action = 'read' $$, 'and looked');
select pg_temp.aged('wallet.operator_actions', 'created_at', 100);
select pg_temp.aged('wallet.confirmations', 'decided_at', 100);
create temp table before as select * from wallet.operator_actions;
select is_empty('select * from pg_temp.pruned()', 'without a rule all of it stays');
select results_eq('select * from wallet.operator_actions order by id', 'select * from before order by id', 'as it is');

select lives_ok($$ select wallet_set_retention('looks', 99), wallet_set_retention('looks', 99) $$, 'a rule is set');
select results_eq(
  $$ select a.actor, a.before, a.detail from wallet.operator_actions a where a.action = 'retention' $$,
  $$ values (null::uuid, '{"keep": "forever"}'::jsonb, '{"of": "looks", "keep": "99d"}'::jsonb) $$, 'which is on record, once'
);
select throws_ok($$ delete from wallet.operator_actions where action = 'read' $$, 'WA008', null, 'nobody else removes what is old');
select throws_ok($$ truncate wallet.operator_actions $$, 'WA008', null, 'or all of it');
select results_eq(
  'select p.subject, p.removed, p.oldest, p.newest from wallet_prune(1000000, true) p where p.removed > 0',
  $$ select 'looks', count(*), min(b.created_at), max(b.created_at) from before b where b.action = 'read' $$, 'it is known what would go'
);
select results_eq(
  'select * from pg_temp.pruned()', $$ select 'looks', count(*) from before b where b.action = 'read' $$, 'it goes'
);
select is_empty('select * from pg_temp.pruned()', 'once');
select is_empty($$ select from wallet.operator_actions a where a.action = 'read' $$, 'all looks are gone');
select results_eq(
  $$ select a.actor, a.detail -> 'of', (a.detail -> 'rows')::bigint, (a.detail ->> 'up_to')::timestamptz, a.detail ->> 'login'
    from wallet.operator_actions a where a.action = 'prune' $$,
  $$ select null::uuid, '"looks"'::jsonb, count(*), max(b.created_at), session_user::text collate "default" from before b where b.action = 'read' $$,
  'what went is on record'
);

insert into wallet.operator_actions (user_id, actor, action) select user_of('alice'), user_of('bob'), 'read' from generate_series(1, 5) n;
select pg_temp.aged('wallet.operator_actions', 'created_at', 200, $$ t.action = 'read' $$);
insert into wallet.operator_actions (user_id, actor, action) values (user_of('alice'), user_of('bob'), 'read');
create temp table looks as select a.id, row_number() over (order by a.id) as place from wallet.operator_actions a where a.action = 'read';
select results_eq('select * from pg_temp.pruned(2)', $$ values ('looks', 2::bigint) $$, 'a step has no more rows than it may');
select results_eq(
  $$ select a.id from wallet.operator_actions a where a.action = 'read' order by a.id $$,
  $$ select l.id from looks l where l.place > 2 order by l.id $$, 'and takes the oldest'
);
select throws_ok(
  $$ delete from wallet.operator_actions a using looks l where a.id = l.id and l.place = 6 $$, 'WA008', null, 'what is not old goes by no hand'
);
set local role wallet_owner;
select throws_ok($$ delete from wallet.operator_actions where action = 'status' $$, 'WA008', null, 'nor by the owner''s, what the books rest on');
reset role;
select results_eq('select sum(p.removed) from pg_temp.pruned(10) p', 'values (3::numeric)', 'the rest goes');
select is((select count(*) from wallet.operator_actions a where a.action = 'read'), 1::bigint, 'what is new stays');

-- what operators did
select lives_ok($$ select wallet_set_retention('audit', 30) $$, 'what operators did is kept for a month');
select throws_ok($$ delete from wallet.confirmations where status = 'rejected' $$, 'WA008', null, 'nobody removes a request by hand');
select results_eq(
  'select * from pg_temp.pruned() order by subject collate "C"',
  $$ select 'audit', count(*) from before b where b.action in ('role', 'propose', 'reject', 'webhook_created', 'password_reset_created')
    union all values ('confirmations', 2::bigint) $$, 'what nothing rests on goes'
);
select results_eq(
  $$ select distinct a.action collate "C" from wallet.operator_actions a join before b using (id) order by 1 $$,
  $$ select unnest('{adjustment,confirm,erase,limits,refund,status,topup}'::text[]) collate "C" $$, 'what the books rest on stays'
);
select results_eq('select c.txn_id, c.status from wallet.confirmations c', $$ values (txn(6), 'waiting') $$, 'as does a request that waits');
select results_eq(
  $$ select a.detail ->> 'of' from wallet.operator_actions a where a.action = 'prune' order by a.id desc limit 2 $$,
  $$ values ('confirmations'), ('audit') $$, 'both are on record'
);

-- verifications
insert into wallet.verifications (ended_at, seconds, violations)
select clock_timestamp() - (500 - n) * interval '1 day', 1, case n when 3 then 0 else 1 end from generate_series(1, 6) n;
insert into wallet.verification_runs (holder, started_at, verification_id)
select 1, v.ended_at, v.id from wallet.verifications v where v.violations = 1 order by v.id limit 2;
insert into wallet.verification_runs (holder, started_at) values (1, clock_timestamp() - interval '450 days'), (1, clock_timestamp() - interval '440 days');
create temp table checked as select v.id, row_number() over (order by v.id) as place from wallet.verifications v;
select results_eq(
  'select * from pg_temp.pruned()', $$ values ('verification_runs', 3::bigint), ('verifications', 4) $$, 'old verifications go'
);
select results_eq(
  'select v.id from wallet.verifications v order by v.id', 'select c.id from checked c where c.place in (3, 6) order by c.id',
  'but for the newest and the newest that found nothing'
);
select is((select count(*) from wallet.verification_runs), 1::bigint, 'and the newest that an operator started');

-- what has ended by the clock
select lives_ok(
  $$
    select wallet_start_session(sha256('a session'), user_of('alice'), 0), wallet_start_session(sha256('another'), user_of('alice'), 0);
    select wallet_sign_in_succeeded('alice', '192.0.2.1'), wallet_sign_out(user_of('alice'), txn(1), clock_timestamp() - interval '1 hour')
  $$, 'alice signed in and out'
);
update wallet.sessions set expires_at = clock_timestamp() - interval '1 hour' where session_hash = sha256('a session');
update wallet.password_resets set expires_at = clock_timestamp() - interval '1 hour';
update wallet.sign_in_tries set counts_until = clock_timestamp() - interval '1 hour', known_until = clock_timestamp() - interval '1 hour';
insert into wallet.limit_usage (wallet_id, kind, hour, amount)
values (wallet_of('alice'), 'spend', date_trunc('hour', clock_timestamp() - interval '61 days', 'UTC'), 5);
insert into wallet.webhook_dead_letters (webhook_id, event_id, attempts, first_at, last_at)
select txn(900), n, 1, clock_timestamp() - n * interval '201 days', clock_timestamp() - n * interval '201 days' from generate_series(1, 3) n;
select results_eq(
  'select * from pg_temp.pruned()',
  $$ values ('sessions', 1::bigint), ('password_resets', 1), ('revocations', 1), ('sign_in_tries', 1), ('limit_usage', 1), ('dead_letters', 2) $$,
  'what has expired goes, and what counts no more'
);
select is((select count(*) from wallet.sessions), 1::bigint, 'a session that lasts stays');
select is((select count(*) from wallet.limit_usage where amount = 30), 1::bigint, 'so does what counts against limits');
select is_empty(
  $$ select v.* from wallet_verify() v where v.violation !~ '^warning: ' $$, 'after all of it the books are as sound as they were'
);


-- what keys did
select lives_ok(
  $$
    select wallet_set_role('charlie', 'user');
    select wallet_create_key(txn(800), 'shop', sha256('a secret'), 'pgw_shop0000', '{spend,hold}', array[user_of('charlie')]);
    select wallet_spend(wallet_of('charlie'), txn(11), 1, p_key_id => txn(800), p_actor => user_of('charlie'));
    select wallet_hold(wallet_of('charlie'), txn(12), 1, p_key_id => txn(800), p_actor => user_of('charlie'));
    select wallet_spend(wallet_of('charlie'), txn(13), 1, p_key_id => txn(800), p_actor => user_of('charlie'))
  $$, 'a key is used'
);
select pg_temp.aged('wallet.transactions', 'created_at', 50, format('t.txn_id = %L', txn(11)));
select pg_temp.aged('wallet.hold_events', 'created_at', 50, format('t.txn_id = %L', txn(12)));
select is_empty('select * from pg_temp.pruned()', 'without a rule it stays on record');
select lives_ok($$ select wallet_set_retention('key_uses', 49) $$, 'a rule is set for it');
set local role wallet_owner;
select throws_ok('delete from wallet.key_uses', 'WA008', null, 'nobody removes it by hand');
reset role;
select results_eq('select * from pg_temp.pruned()', $$ values ('key_uses', 2::bigint) $$, 'what is old goes, of transactions and of holds');
select results_eq('select u.id from wallet.key_uses u', 'select transaction_of(txn(13))', 'what is new stays');
select is_empty($$ select v.* from wallet_verify() v where v.violation = 'keys' $$, 'and nobody misses it');

select * from finish();
