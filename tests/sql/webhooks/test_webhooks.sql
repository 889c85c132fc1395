-- Webhooks in the hands of operators: make, look, change, pause, resume, another secret, replay, retry, delete; all of it on record.
select plan(84);

select lives_ok(
  $$
    select wallet_set_role('bob', 'operator');
    select wallet_register('dora', 'hash');
    select wallet_topup(wallet_of('alice'), txn(n), n) from generate_series(1, 3) n;
    select wallet_transfer(wallet_of('alice'), txn(4), 5, wallet_of('dora'));
  $$, 'something has happened'
);
create temp table hooks as select txn(900) as id, wallet.drawn_up_to() as before, wallet_of('alice') as alice;
create temp table last_id as select max(t.id) as id from wallet.transactions t;
grant select on hooks, last_id to public;
create function pg_temp.hook(p_hook integer default 900) returns wallet.webhooks
language sql as $$ select w from wallet.webhooks w where w.id = txn(p_hook) $$;
create function pg_temp.recorded() returns table (action text, actor uuid, before jsonb, after jsonb, reason text)
language sql as $$
  select a.action, a.actor, a.before, a.after, a.reason from wallet_audit(p_limit => 1) a where a.webhook_id = txn(900)
$$;

-- make
set local session authorization wallet_api;
select results_eq(
  $$
    select w.id, w.url, w.description, w.types, w.asset, w.wallet_id, w.batch_size, w.status, w.position = h.before, w.behind, w.backlog,
      w.dead_letters, w.oldest_at, w.failures, w.actor, w.actor_username
    from hooks h, wallet_create_webhook(
      h.id, 'https://example.com/hook?key=1', 'receipts', '{transaction.topup,transaction.spend,transaction.topup}', 'UC', h.alice, 10, '\x01',
      p_actor => user_of('bob')
    ) w
  $$,
  $$
    values (
      txn(900), 'https://example.com/hook?key=1', 'receipts', '{transaction.spend,transaction.topup}'::text[], 'UC', wallet_of('alice'), 10, 'active', true,
      0::bigint, 0::bigint, 0::bigint, null::timestamptz, 0, user_of('bob'), 'bob'
    )
  $$, 'a webhook is made, from now on; of types given twice one is kept'
);
select is(
  (
    select w.id from wallet_create_webhook(
      txn(900), 'https://example.com/hook?key=1', 'receipts', '{transaction.spend,transaction.topup}', 'UC', wallet_of('alice'), 10, '\x01',
      p_actor => user_of('bob')
    ) w
  ), txn(900), 'the same again returns it'
);
select is(
  refused($$ select wallet_create_webhook(txn(900), 'https://example.com/other', p_actor => user_of('bob')) $$), 'WA002 webhook_id', 'another with its id is refused'
);
reset session authorization;
select is((select count(*) from wallet.webhooks), 1::bigint, 'so there is one');
select is((pg_temp.hook()).secret, '\x01'::bytea, 'with its secret');
select results_eq(
  $$ select action, actor, before, after - 'after', reason from pg_temp.recorded() $$,
  $$
    values (
      'webhook_created', user_of('bob'), null::jsonb, jsonb_build_object(
        'url', 'https://example.com/hook?key=1', 'description', 'receipts', 'types', '["transaction.spend", "transaction.topup"]'::jsonb, 'asset', 'UC',
        'wallet_id', wallet_of('alice'), 'batch_size', 10
      ), null
    )
  $$, 'which is on record, without it'
);
select is((select a.user_id from wallet_audit(p_wallet_id => wallet_of('alice'), p_limit => 1) a where a.action = 'webhook_created'), user_of('alice'), 'and about whom it is');
select is((select (w.position, w.url)::text from wallet_create_webhook(null, 'http://10.0.0.1:9000/x', p_after => 0) w), '(0,http://10.0.0.1:9000/x)', 'an administrator makes one, from the beginning');

-- what a webhook cannot be
create temp table faults (field text, sql text);
insert into faults
select 'url', format('p_url => %L', u)
from unnest(array[
  '', ' ', 'example.com', 'ftp://example.com', 'javascript:alert(1)', 'https://', 'https:///x', 'https://?x', 'https:example.com', 'https://a b', e'https://a\nb', e'https://a/\tb',
  e'https://a/\u0001', e'https://a/\u007f', 'https://user:password@example.com', 'https://user@example.com/', 'https://@example.com', 'https://example.com/#x', 'https://b\u00fccher.example',
  'https://example.com\@evil.example', 'https://ex<ample.com', 'https://example.com/' || repeat('x', 2030), e'https://a\u00a0b'
]) u;
insert into faults values
  ('url', 'p_url => null'), ('description', $$p_description => ''$$), ('description', $$p_description => repeat('x', 257)$$), ('batch_size', 'p_batch_size => 0'),
  ('batch_size', 'p_batch_size => 101'), ('batch_size', 'p_batch_size => null'), ('types', $$p_types => '{}'$$), ('types', $$p_types => '{transaction.gift}'$$),
  ('types', $$p_types => '{null}'$$), ('types', $$p_types => '{pgwallet.transaction.topup}'$$);
create function pg_temp.refusal_of(p_call text, p_arguments text) returns text
language sql as $$
  select refused(format('select %s(txn(900), %s %s)', p_call, case when p_arguments !~ 'p_url' then $x$p_url => 'https://a',$x$ end, p_arguments))
$$;
select is_empty(
  $$ select f.*, pg_temp.refusal_of(c, f.sql) from faults f, unnest(array['wallet_create_webhook', 'wallet_change_webhook']) c where pg_temp.refusal_of(c, f.sql) <> 'WA002 ' || f.field $$,
  'what is wrong is named'
);
select is_empty(
  $$
    select u from unnest(array['https://a', 'HTTPS://a', 'https://[::1]:8080/', 'https://a/p@q?e=a@b&c=%20', 'http://127.0.0.1', 'https://a/' || repeat('x', 2038)]) u
    where refused(format('select wallet_change_webhook(null, %L)', u)) <> 'WA042'
  $$, 'these are URLs'
);
select is(refused($$ select wallet_create_webhook(null, 'https://a', p_asset => 'XYZ') $$), 'WA026 asset', 'an unknown asset is refused');
select is(refused($$ select wallet_create_webhook(null, 'https://a', p_wallet_id => txn(1)) $$), 'WA001 wallet_id', 'so is an unknown wallet');
select is(
  refused(format($$ select wallet_create_webhook(null, 'https://a', p_wallet_id => %L) $$, wallet.system_wallet_id('UC', 'topup'))), 'WA001 wallet_id', 'and one of the system'
);
select is(refused($$ select wallet_create_webhook(null, 'https://a', p_secret => '') $$), 'WA002 secret', 'an empty secret is refused');
select is(refused($$ select wallet_create_webhook(null, 'https://a', p_secret => decode(repeat('ab', 1025), 'hex')) $$), 'WA002 secret', 'and a large one');
select is(refused($$ select wallet_create_webhook(null, 'https://a', p_after => -1) $$), 'WA024 after', 'a position is no negative number');
select is(refused($$ select wallet_create_webhook(null, 'https://a', p_after => wallet.drawn_up_to() + 1) $$), 'WA002 after', 'nor in the future');
select is(refused($$ select wallet_create_webhook(null, 'https://a', p_after => 1, p_epoch => 0) $$), 'WA041 after', 'nor of another history');
select is((select count(*) from wallet.webhooks), 2::bigint, 'and nothing was made by these');
savepoint many;
select lives_ok(
  $$ insert into wallet.webhooks (id, url, position) select gen_random_uuid(), 'https://a', 0 from generate_series(1, 98) $$, 'there are a hundred'
);
select is(refused($$ select wallet_create_webhook(null, 'https://a') $$), 'WA044', 'which are as many as there can be');
select is((select count(*) from wallet_webhooks()), 100::bigint, 'all are listed');
rollback to savepoint many;

-- look
select results_eq(
  $$ select w.url from wallet_webhooks(user_of('bob')) w $$, $$ values ('http://10.0.0.1:9000/x'), ('https://example.com/hook?key=1') $$, 'the newest comes first'
);
select is_empty(
  $$ select c.attribute from (select attname::text from pg_attribute where attrelid = 'wallet.described_webhook'::regclass and attnum > 0) c (attribute) where c.attribute ~ 'secret' $$,
  'no secret is shown'
);
select is((select w.url from wallet_webhook(txn(900), user_of('bob')) w), 'https://example.com/hook?key=1', 'one by its id');
select results_eq(
  $$ select w.behind, w.oldest_at from wallet_webhooks() w where w.url ~ '10.0.0.1' $$,
  $$ select count(*), min(wallet.event_time(r.id)) from wallet.event_refs(0, 9223372036854775807, 1000) r where r.type is not null $$, 'with how far it is behind, and since when'
);
select lives_ok(
  $$ select wallet_topup(wallet_of('alice'), txn(5), 1), wallet_topup(wallet_of('dora'), txn(6), 1), wallet_transfer(wallet_of('alice'), txn(7), 1, wallet_of('dora')) $$,
  'more has happened'
);
select results_eq(
  $$ select w.behind, w.oldest_at from wallet_webhook(txn(900)) w $$, $$ select 1::bigint, t.created_at from wallet.transactions t where t.txn_id = txn(5) $$, 'what it does not ask for does not count'
);
savepoint behind;
select lives_ok($$ insert into wallet.account_events (type, user_id) select 'user.signed_up', user_of('alice') from generate_series(1, 1000) $$, 'much has happened');
select is((select w.behind from wallet_webhook(txn(900)) w), (select wallet.drawn_up_to() - before from hooks), 'and it is not counted any more: a bound is shown');
rollback to savepoint behind;

-- change
select results_eq(
  $$
    select w.url, w.description, w.types, w.asset, w.wallet_id, w.batch_size, w.behind
    from wallet_change_webhook(txn(900), 'https://example.com/2', p_types => '{transaction.transfer}', p_wallet_id => wallet_of('dora'), p_actor => user_of('bob')) w
  $$,
  $$ values ('https://example.com/2', null::text, '{transaction.transfer}'::text[], null::text, wallet_of('dora'), 1, 1::bigint) $$,
  'a change replaces all; a transfer is of both wallets'
);
select is((pg_temp.hook()).version, 2::bigint, 'it is told to the relay');
select results_eq(
  $$ select action, actor, before ->> 'url', after ->> 'url', before ->> 'batch_size' from pg_temp.recorded() $$,
  $$ values ('webhook_changed', user_of('bob'), 'https://example.com/hook?key=1', 'https://example.com/2', '10') $$, 'and on record'
);
select is((pg_temp.hook()).secret, '\x01'::bytea, 'the secret stays');
select is((select w.behind from wallet_change_webhook(txn(900), 'https://a', p_asset => 'UC') w), 3::bigint, 'of an asset');
select is((select w.behind from wallet_change_webhook(txn(900), 'https://a', p_asset => 'USD') w), 0::bigint, 'or another');

-- pause and resume
insert into wallet.webhook_backlog (webhook_id, event_id, attempts, first_at, next_at, status)
select txn(900), id, 7, '2020-01-01', '2100-01-01', 500 from last_id;
select is((select (w.status, w.pause_reason)::text from wallet_pause_webhook(txn(900), 'it moves', user_of('bob')) w), '(paused,"it moves")', 'a webhook is paused');
select results_eq('select action, reason from pg_temp.recorded()', $$ values ('webhook_paused', 'it moves') $$, 'which is on record');
select is((pg_temp.hook()).version, 5::bigint, 'and told to the relay');
select is((select w.pause_reason from wallet_pause_webhook(txn(900), 'again', user_of('bob')) w), 'it moves', 'a paused one stays as it is');
select is((pg_temp.hook()).version, 5::bigint, 'and nothing is told');
select is(refused($$ select wallet_pause_webhook(txn(900), '') $$), 'WA002 reason', 'a reason is not empty');
select is(refused($$ select wallet_pause_webhook(txn(900), repeat('x', 257)) $$), 'WA002 reason', 'nor long');
select results_eq(
  $$ select w.status, w.pause_reason, w.failures, w.backlog, w.oldest_at from wallet_resume_webhook(txn(900), user_of('bob')) w $$,
  $$ select 'active', null::text, 0, 1::bigint, t.created_at from wallet.transactions t where t.txn_id = txn(4) $$, 'it is resumed'
);
select results_eq(
  $$ select b.attempts, b.first_at, b.next_at from wallet.webhook_backlog b $$, $$ values (0, null::timestamptz, null::timestamptz) $$, 'what waits has the whole time again'
);
select results_eq('select action, before from pg_temp.recorded()', $$ values ('webhook_resumed', '{"status": "paused", "pause_reason": "it moves"}'::jsonb) $$, 'which is on record');
select is((select w.status from wallet_resume_webhook(txn(900)) w), 'active', 'an active one stays as it is');
select is((pg_temp.hook()).version, 6::bigint, 'the relay was told once');

-- another secret
select is(refused($$ select wallet_rotate_webhook_secret(txn(900), null) $$), 'WA002 secret', 'a secret is not null');
select is(refused($$ select wallet_rotate_webhook_secret(txn(900), '') $$), 'WA002 secret', 'nor empty');
select ok(
  (select w.previous_until between clock_timestamp() + interval '23 hours' and clock_timestamp() + interval '24 hours' from wallet_rotate_webhook_secret(txn(900), '\x02', user_of('bob')) w),
  'the secret before signs for 24 hours more'
);
select is(((pg_temp.hook()).secret, (pg_temp.hook()).previous_secret)::text, $$("\\x02","\\x01")$$, 'beside the new one');
select results_eq($$ select action, after ? 'previous_until', after - 'previous_until' from pg_temp.recorded() $$, $$ values ('webhook_secret', true, '{}'::jsonb) $$, 'which is on record, without it');
select is((select (w.previous_until = (pg_temp.hook()).previous_until) from wallet_rotate_webhook_secret(txn(900), '\x02') w), true, 'the same again changes nothing');
select is(((pg_temp.hook()).previous_secret, (pg_temp.hook()).version)::text, '("\\x01",7)', 'nothing at all');

-- a test
select results_eq(
  $$
    select t.url, t.secret, t.previous_secret, t.batch_size, t.event_id ~ '^test-', t.event ->> 'id' = t.event_id, t.event ->> 'type', t.event ->> 'subject', t.event ->> 'source' ~ '^urn:uuid:'
    from wallet_test_webhook(txn(900), user_of('bob')) t
  $$,
  $$ values ('https://a', '\x02'::bytea, '\x01'::bytea, 1, true, true, 'pgwallet.webhook.test', txn(900)::text, true) $$, 'the service is told what a test needs'
);
select is((select action from pg_temp.recorded()), 'webhook_tested', 'which is on record');
update wallet.webhooks set previous_until = clock_timestamp() - interval '1 second' where id = txn(900);
select is((select t.previous_secret from wallet_test_webhook(txn(900)) t), null, 'an old secret ends');
select is((select w.previous_until from wallet_webhook(txn(900)) w), null, 'and is not spoken of');

-- dead letters
insert into wallet.webhook_dead_letters (webhook_id, event_id, attempts, first_at, last_at, status, error)
select txn(900), t.id, 20, '2020-01-01', '2020-01-04', 500, 'why' from wallet.transactions t where t.txn_id in (txn(1), txn(2), txn(3));
select results_eq(
  $$ select d.event_id, d.attempts, d.status, d.error from wallet_webhook_dead_letters(txn(900), 2, null, user_of('bob')) d $$,
  $$ values (transaction_of(txn(3)), 20, 500, 'why'), (transaction_of(txn(2)), 20, 500, 'why') $$, 'dead letters are listed, the newest first'
);
select is((select array_agg(d.event_id) from wallet_webhook_dead_letters(txn(900), 2, transaction_of(txn(2))) d), array[transaction_of(txn(1))], 'a page at a time');
select is((select w.dead_letters from wallet_webhook(txn(900)) w), 3::bigint, 'and counted');
select is(wallet_retry_dead_letters(txn(900), array[transaction_of(txn(2)), -1, 9223372036854775807], user_of('bob')), 1::bigint, 'one is delivered again');
select results_eq('select action, after from pg_temp.recorded()', $$ values ('webhook_retried', '{"dead_letters": 1}'::jsonb) $$, 'which is on record');
select results_eq(
  $$ select b.event_id, b.attempts, b.next_at from wallet.webhook_backlog b order by 1 $$,
  $$ values (transaction_of(txn(2)), 0, null::timestamptz), (transaction_of(txn(4)), 0, null) $$, 'it is in the backlog, and due'
);
select is((pg_temp.hook()).version, 8::bigint, 'and told to the relay');
select is(wallet_retry_dead_letters(txn(900), array[transaction_of(txn(2))]), 0::bigint, 'it is a dead letter no longer');
select is(wallet_retry_dead_letters(txn(900)), 2::bigint, 'all others are, too');
select is(array[refused($$ select wallet_retry_dead_letters(txn(900), '{}') $$), refused($$ select wallet_retry_dead_letters(txn(900), '{null}') $$)], array['WA002 event_ids', 'WA002 event_ids'], 'some, or all');

-- replay
insert into wallet.webhook_dead_letters (webhook_id, event_id, attempts, first_at, last_at)
select txn(900), t.id, 20, '2020-01-01', '2020-01-04' from wallet.transactions t where t.txn_id in (txn(1), txn(3));
delete from wallet.webhook_backlog where event_id not in (select transaction_of(x) from unnest(array[txn(2), txn(4)]) x);
select is(refused($$ select wallet_replay_webhook(txn(900), (select before + 1 from hooks)) $$), 'WA002 after', 'a replay passes over nothing');
select is(array[refused($$ select wallet_replay_webhook(txn(900), null) $$), refused($$ select wallet_replay_webhook(txn(900), -1) $$)], array['WA024 after', 'WA024 after'], 'and begins at an event');
select is(refused($$ select wallet_replay_webhook(txn(900), 1, 0) $$), 'WA041 after', 'of this history');
select is((select w.position from wallet_replay_webhook(txn(900), transaction_of(txn(2)), null, user_of('bob')) w), transaction_of(txn(2)), 'a webhook goes back');
select results_eq(
  $$ select b.event_id from wallet.webhook_backlog b union all select d.event_id from wallet.webhook_dead_letters d $$,
  $$ values (transaction_of(txn(2))), (transaction_of(txn(1))) $$, 'what comes after is read again; what was before waits as ever'
);
select results_eq(
  'select action, before, after from pg_temp.recorded()',
  $$ select 'webhook_replayed', jsonb_build_object('after', before), jsonb_build_object('after', transaction_of(txn(2))) from hooks $$, 'which is on record'
);

-- deliveries
insert into wallet.webhook_deliveries (webhook_id, first_event_id, last_event_id, events, attempt, outcome, status, error, milliseconds, answer)
select txn(900), n, n, 1, 1, 'failed', 500, null, n, 'no' from generate_series(1, 3) n;
select results_eq(
  $$ select d.first_event_id, d.outcome, d.status, d.milliseconds, d.answer from wallet_webhook_deliveries(txn(900), 2, null, user_of('bob')) d $$,
  $$ values (3::bigint, 'failed', 500, 3, 'no'), (2, 'failed', 500, 2, 'no') $$, 'deliveries are listed, the newest first'
);

-- delete
select is((select w.url from wallet_delete_webhook(txn(900), user_of('bob')) w), 'https://a', 'a webhook is deleted');
select is_empty(
  $$ select from wallet.webhook_backlog union all select from wallet.webhook_dead_letters union all select from wallet.webhook_deliveries $$, 'with all that is of it'
);
select results_eq(
  $$ select distinct a.action collate "C" from wallet_audit() a where a.webhook_id = txn(900) order by 1 $$,
  $$ select a collate "C" from unnest('{webhook_changed,webhook_created,webhook_deleted,webhook_paused,webhook_replayed,webhook_resumed,webhook_retried,webhook_secret,webhook_tested}'::text[]) a $$,
  'but not the record'
);

-- for operators alone, and only what is there
create temp table calls (sql text);
insert into calls values
  ('wallet_webhook(txn(1), %s)'), ('wallet_change_webhook(txn(1), ''https://a'', p_actor => %s)'), ('wallet_pause_webhook(txn(1), null, %s)'),
  ('wallet_resume_webhook(txn(1), %s)'), ('wallet_rotate_webhook_secret(txn(1), ''\x01'', %s)'), ('wallet_test_webhook(txn(1), %s)'),
  ('wallet_replay_webhook(txn(1), 0, null, %s)'), ('wallet_delete_webhook(txn(1), %s)'), ('wallet_webhook_deliveries(txn(1), 1, null, %s)'),
  ('wallet_webhook_dead_letters(txn(1), 1, null, %s)'), ('wallet_retry_dead_letters(txn(1), null, %s)');
grant select on calls to public;
set local session authorization wallet_api;
select is_empty($$ select sql from calls where refused('select ' || format(sql, $x$user_of('bob')$x$)) <> 'WA042' $$, 'an unknown webhook is refused');
reset session authorization;
insert into calls values ('wallet_create_webhook(txn(1), ''https://a'', p_actor => %s)'), ('wallet_webhooks(%s)');
set local session authorization wallet_api;
select is_empty($$ select sql from calls where refused('select ' || format(sql, $x$user_of('alice')$x$)) <> 'WA027' $$, 'a user is refused');
select is_empty($$ select sql from calls where refused('select ' || format(sql, 'null')) <> 'WA002 actor' $$, 'so is a service that names nobody');
reset session authorization;
select is_empty($$ select from wallet_verify() $$, 'and the ledger is in order');
select * from finish();
