-- What the relay tells of a webhook, and what it reads.
create function progress(p_version bigint, p_position bigint, p_delivered bigint[], p_waiting bigint[], p_dead boolean, p_status integer)
returns boolean
language sql
as $$
  select wallet_relay_progress(
    '00000000-0000-4000-8000-000000000001', p_version, p_position, 3, null, p_delivered, p_waiting,
    array_fill(2, array[cardinality(p_waiting)]), array_fill('2026-01-01Z'::timestamptz, array[cardinality(p_waiting)]),
    array_fill('2026-01-02Z'::timestamptz, array[cardinality(p_waiting)]), array_fill(500, array[cardinality(p_waiting)]),
    array_fill(null::text, array[cardinality(p_waiting)]), array_fill(p_dead, array[cardinality(p_waiting)]),
    array[5], array[6], array[2], array[1], array[p_status], array[null::text], array[12], array['answer']
  )
$$;

select plan(22);
select lives_ok($$
  select wallet_create_webhook('00000000-0000-4000-8000-000000000001', 'https://example.com', p_after => 0)
$$, 'a webhook without a secret');
select is((select version from wallet_relay_webhooks()), 1::bigint, 'is there for the relay');
select lives_ok($$ select wallet_relay_give_secret('00000000-0000-4000-8000-000000000001', '\x01') $$, 'which gives it one');
select results_eq($$ select secret, version from wallet_relay_webhooks() $$, $$ values ('\x01'::bytea, 2::bigint) $$, 'in a new version');
select lives_ok($$ select wallet_relay_give_secret('00000000-0000-4000-8000-000000000001', '\x02') $$, 'a second one');
select results_eq($$ select secret, version from wallet_relay_webhooks() $$, $$ values ('\x01'::bytea, 2::bigint) $$, 'changes nothing');
select lives_ok($$ select wallet_relay_take() $$, 'a relay takes the lead');
select is((select version from wallet_relay_webhooks()), 3::bigint, 'in a new version');

select is(progress(2, 6, '{}', '{5,6}', false, 500), false, 'progress of another version is refused');
select is((select count(*) from wallet.webhook_backlog) + (select count(*) from wallet.webhook_deliveries), 0::bigint, 'and nothing is noted');
select is(progress(3, 6, '{}', '{5,6}', false, 500), true, 'progress is noted');
select results_eq($$ select id, attempts, status from wallet_relay_backlog('00000000-0000-4000-8000-000000000001', 10) $$,
  $$ values (5::bigint, 2, 500), (6::bigint, 2, 500) $$, 'what failed waits');
select results_eq($$ select position, failures, last_success_at is null, last_failure_at is null from wallet.webhooks $$,
  $$ values (6::bigint, 3, true, false) $$, 'the position passes it');
select is(progress(3, 7, '{5}', '{6}', true, 204), true, 'one is delivered, one is given up');
select is((select count(*) from wallet.webhook_backlog), 0::bigint, 'none waits');
select results_eq($$ select event_id, attempts, first_at, status from wallet.webhook_dead_letters $$,
  $$ values (6::bigint, 2, '2026-01-01Z'::timestamptz, 500) $$, 'one is a dead letter');
select results_eq($$ select first_event_id, last_event_id, events, outcome, status, answer from wallet.webhook_deliveries order by id $$,
  $$ values (5::bigint, 6::bigint, 2, 'failed', 500, 'answer'), (5, 6, 2, 'delivered', 204, 'answer') $$, 'each attempt is in the log');
select throws_ok($$ select progress(3, -1, '{}', '{}', false, 204) $$, 'WA024', null, 'a position is not negative');
select throws_ok($$ select progress(3, 7, '{}', '{6,6}', false, 204) $$, 'WA002', null, 'an event does not wait twice');

update wallet.webhook_deliveries set created_at = clock_timestamp() - interval '8 days' where outcome = 'failed';
insert into wallet.webhook_deliveries (webhook_id, first_event_id, last_event_id, events, attempt, outcome, milliseconds)
select id, n, n, 1, 1, 'failed', 1 from wallet.webhooks, generate_series(1, 10001) n;
select is(wallet_prune_deliveries(), 3::bigint, 'the log is pruned: what is old, and what is beyond 10,000 rows');
select is((select count(*) from wallet.webhook_deliveries), 10000::bigint, 'the newest stay');

set local session authorization wallet_api;
select lives_ok($$ select wallet_relay_take(), wallet_prune_deliveries() $$, 'the service may do all of it');
select finish();
