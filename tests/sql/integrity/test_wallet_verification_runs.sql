-- A verification from its start to its record, within one session: two are in tests/system/concurrency.
select plan(26);

select lives_ok($$ select wallet_set_role('alice', 'operator') $$, 'alice looks after the service');
select is_empty('select * from wallet_verification_runs()', 'nobody has started a verification yet');
select is(
  refused(format('select wallet_start_verification(pg_backend_pid(), %L)', user_of('alice'))), 'WA002 holder', 'what is not claimed does not start'
);
select is(wallet_claim_verification(), pg_backend_pid(), 'whoever claims it is the one that holds it');
select is(refused('select wallet_start_verification(null)'), 'WA002 holder', 'a start names the one that runs it');
select is(
  refused(format('select wallet_start_verification(pg_backend_pid(), %L)', user_of('bob'))), 'WA027', 'users start none'
);

create temp table run as select wallet_start_verification(pg_backend_pid(), user_of('alice')) as id;
select results_eq(
  'select id, status, actor_username, ended_at, violations, findings from wallet_verification_runs()',
  $$ select id, 'running', 'alice', null::timestamptz, null::bigint, null::jsonb from run $$, 'it runs, and everybody sees it'
);
select results_eq(
  $$ select action, actor_username, after from wallet_audit(p_action => 'verify') $$,
  $$ select 'verify', 'alice', jsonb_build_object('run_id', id) from run $$, 'and who started it is on record'
);
select lives_ok($$ select wallet_note_verification(id, 'ledger', 0, 8, 0.25) from run $$, 'it tells how far it is');
select results_eq(
  'select rule, rules_done, rules, part from wallet_verification_runs()', $$ values ('ledger', 0, 8, 0.25::double precision) $$, 'which shows'
);
select lives_ok($$ select wallet_note_verification(id, 'ledger', -1, null, 7) from run $$, 'what cannot be');
select results_eq(
  'select rules_done, rules, part from wallet_verification_runs()', $$ values (0, 8, 1::double precision) $$, 'shows as the nearest that can'
);
select is(refused('select wallet_run_verification(0)'), 'WA002 run_id', 'only what was started is run');

set local session_replication_role = replica;
insert into wallet.ledger (wallet_id, seq, transaction_id, amount, balance_after, hash)
select wallet_of('bob'), 100 + n, -n, 1, 1, '' from generate_series(1, 60) n;
set local session_replication_role = origin;
create temp table expected as select count(*) as number from wallet_verify();
select is((select wallet_run_verification(id) from run), (select number from expected), 'it finds what wallet_verify() finds');
select results_eq(
  'select status, rule, rules_done, rules, part, violations, warnings, findings is null from wallet_verification_runs()',
  $$ select 'finished', null::text, cardinality(wallet.verification_rules()), cardinality(wallet.verification_rules()), null::double precision, number, 0::bigint, true from expected $$, 'it has ended, and says how many rules there are, whatever was noted'
);
select is(
  (select jsonb_array_length(findings) from wallet_verification_runs(p_run_id => (select id from run))), 100, 'the first hundred are kept'
);
select is(
  (select findings -> 0 from wallet_verification_runs(p_run_id => (select id from run))),
  (select to_jsonb(v) from wallet_verify() v limit 1), 'as they were found'
);
select results_eq(
  'select violations from wallet_verifications()', 'select number from expected', 'the result is among the recorded verifications'
);
select results_eq(
  'select violations from wallet_last_verification()', 'select number from expected', 'and the one that the metrics show'
);
select is(refused(format('select wallet_run_verification(%s)', (select id from run))), 'WA002 run_id', 'it is run once');
select lives_ok($$ select wallet_note_verification(id, p_error => 'late') from run $$, 'what comes after its end');
select is((select status || coalesce(error, '') from wallet_verification_runs()), 'finished', 'changes nothing');

create temp table another as select wallet_start_verification(pg_backend_pid(), user_of('alice')) as id;
select lives_ok($$ select wallet_note_verification(id, p_error => 'the disk is full') from another $$, 'one that fails says why');
select results_eq(
  'select status, error, ended_at is null from wallet_verification_runs(1)', $$ values ('interrupted', 'the disk is full', false) $$, 'and has ended without a result'
);
select results_eq(
  format('select id from wallet_verification_runs(1, %s)', (select id from another)), 'select id from run', 'they are read a page at a time'
);
select is(refused('select wallet_verification_runs(50, 0)'), 'WA024 cursor', 'from a place that there is');
select * from finish();
