-- All that is stored about a person, and that a later table is not forgotten.
select plan(24);

create temp table reviewed (name text, section text, why_not text);
insert into reviewed values
  ('users', 'user'), ('wallets', 'wallets'), ('limits', 'limits'), ('limit_usage', 'limit_usage'),
  ('ledger', 'transactions'), ('transactions', 'transactions'), ('transaction_details', 'transactions'), ('transaction_available', 'transactions'),
  ('refunds', 'refunds'), ('holds', 'holds'), ('hold_events', 'hold_events'), ('confirmations', 'confirmations'), ('operator_actions', 'operator_actions'),
  ('erasures', 'erasures'), ('account_events', 'account_events'), ('reserved_names', 'reserved_names'), ('sign_in_tries', 'sign_in_tries'),
  ('revocations', 'revocations'), ('password_resets', 'password_resets'), ('sessions', 'sessions'),
  ('outbox', 'outbox'), ('inbox', 'inbox'), ('key_subjects', 'key_subjects'), ('key_uses', 'key_uses'), ('operator_logins', 'operator_logins');
insert into reviewed (name, why_not) values
  ('assets', 'is about nobody'),
  ('installation', 'is about nobody'), ('event_epochs', 'is about nobody'),
  ('shard', 'is about nobody'), ('homes', 'is about nobody'), ('retention', 'is about nobody'),
  ('webhooks', 'is about who is told of events: operators can read it'),
  ('api_keys', 'is about a machine: who may be acted for is in key_subjects, who made one in actions_taken'),
  ('webhook_backlog', 'ids of events, for a while'), ('webhook_dead_letters', 'ids of events, for a while'),
  ('webhook_deliveries', 'ids of events, for a while'),
  ('verification_runs', 'is about the ledger as a whole: who began one is in actions_taken'),
  ('verifications', 'is about the ledger as a whole');
select results_eq(
  $$ select c.relname::text collate "C" from pg_class c where c.relnamespace = 'wallet'::regnamespace and c.relkind in ('r', 'p') order by 1 $$,
  $$ select r.name collate "C" from reviewed r order by 1 $$,
  'every table is part of the export, or it is known why not: a new line here is a decision'
);

-- a person about whom something is in every table
select lives_ok(
  $$
    select wallet_set_role('charlie', 'operator');
    select wallet_topup(wallet_of('alice'), txn(1), 70, 'from grandma', '{"note": "birthday"}', '2020-01-01');
    select wallet_spend(wallet_of('alice'), txn(2), 50);
    select wallet_hold(wallet_of('alice'), txn(3), 40, 3600, 'a room');
    select wallet_capture(wallet_of('alice'), txn(4), txn(3), 10, false);
    select wallet_refund(wallet_of('alice'), txn(5), txn(2), 20);
    select wallet_transfer(wallet_of('alice'), txn(6), 5, wallet_of('bob'), p_reference => 'lunch');
    select wallet_hold(wallet_of('bob'), txn(7), 100);
    select wallet_transfer(wallet_of('bob'), txn(8), 9, wallet_of('alice'), p_reference => 'thanks');
    select wallet_set_limits(wallet_of('alice'), '{spend}', '{100}', '{500}', '{null}', p_actor => user_of('charlie'));
    select wallet_spend(wallet_of('alice'), txn(9), 1);
    select wallet_create_key(txn(30), 'a shop', sha256('a secret'), 'pgw_12345678', '{spend}', array[user_of('alice')]);
    select wallet_spend(wallet_of('alice'), txn(10), 1, p_actor => user_of('alice'), p_key_id => txn(30));
    select wallet_sign_in_failed('alice', 'elsewhere');
    select wallet_sign_out(user_of('alice'), txn(1), clock_timestamp() + interval '1 hour');
    select wallet_create_password_reset(user_of('alice'), sha256('a token'), 'she called', p_actor => user_of('charlie'));
    select wallet_start_session(sha256('a session'), user_of('alice'), 0);
    insert into wallet.operator_actions (wallet_id, actor, action) values (wallet_of('alice'), null, 'of before');
    insert into wallet.confirmations (type, wallet_id, txn_id, amount, expected, reference, actor, created_at)
    values ('adjustment', wallet_of('alice'), txn(20), 5, 5, 'a mistake', user_of('charlie'), now());
    insert into wallet.operator_logins (login, user_id) values ('a_login', user_of('alice'));
    insert into wallet.reserved_names (digest, user_id) values ('a digest', user_of('alice'));
    insert into wallet.erasures (user_id, reason, transactions, holds) values (user_of('alice'), 'a test', 0, 0);
    insert into wallet.outbox (transaction_id, wallet_id, to_wallet_id, destination) values (transaction_of(txn(6)), wallet_of('alice'), wallet_of('bob'), 1);
    insert into wallet.inbox (origin_id, from_wallet_id, to_wallet_id, amount, asset, transaction_id)
    values (1, wallet_of('bob'), wallet_of('alice'), 70, 'UC', transaction_of(txn(1)));
  $$, 'alice leaves traces everywhere'
);
create temp table export as select row_number() over () as n, e.* from wallet_export_user('ALICE') e;
create function pg_temp.items(p_section text) returns setof jsonb
language sql as $$ select e.item from export e where e.section = p_section and e.item is not null order by e.n $$;

select results_eq(
  $$ select distinct r.section collate "C" from reviewed r where r.section is not null order by 1 $$,
  $$ select distinct e.section collate "C" from export e where e.item is not null order by 1 $$,
  'everything that should be there is there'
);
select results_eq(
  $$ select n, section from export where section = 'user' $$, $$ values (1::bigint, 'user') $$, 'the user comes first, and is no list'
);
select is_empty(
  $$ select section from export where section <> 'user' group by section having min(n) <> min(n) filter (where item is null) or max(n) - min(n) + 1 <> count(*) $$,
  'every list begins with its name, and is in one piece'
);
select is(
  (select array_agg(k order by k) from jsonb_object_keys((select pg_temp.items('user'))) k),
  (select array_agg(a.attname::text order by a.attname::text)
    from pg_attribute a where a.attrelid = 'wallet.users'::regclass and a.attnum > 0 and not a.attisdropped and a.attname <> 'password_hash'),
  'all columns of the user but for the hash of the password'
);
select is_empty(
  $$
    select e.item
    from export e
    cross join lateral (
      select u.password_hash from wallet.users u where u.username = 'alice'
      union all select encode(sha256('a token'), 'hex')
      union all select encode(d.hash, 'hex') from wallet.transaction_details d
      union all select d.salt::text from wallet.transaction_details d
      union all select encode(n.digest, 'hex') from wallet.reserved_names n
      union all select encode(t.key, 'hex') from wallet.sign_in_tries t
      union all select encode(k.secret_hash, 'hex') from wallet.api_keys k
    ) s (secret)
    where position(s.secret in e.item::text) > 0
  $$, 'no secret is in it'
);
select results_eq(
  $$ select i ->> 'type', (i ->> 'amount')::bigint, i ->> 'reference', i -> 'metadata', i ->> 'counterparty_username', (i ->> 'available')::bigint from pg_temp.items('transactions') i $$,
  $$ values ('bonus', 1000::bigint, null, 'null'::jsonb, null, 1000::bigint), ('topup', 70, 'from grandma', '{"note": "birthday"}', null, 1070), ('spend', -50, null, 'null', null, 1020),
    ('capture', -10, null, 'null', null, 980), ('refund', 20, null, 'null', null, 1000), ('transfer', -5, 'lunch', 'null', 'bob', 995),
    ('transfer', 9, 'thanks', 'null', 'bob', null), ('spend', -1, null, 'null', null, 1003), ('spend', -1, null, 'null', null, 1002) $$,
  'transactions have their details; what a sender has left is the sender''s'
);
select is(
  (select i ->> 'effective_at' from pg_temp.items('transactions') i where i ->> 'txn_id' = txn(1)::text), '2020-01-01T00:00:00+00:00', 'times are in UTC'
);
select is(
  (select array_agg(i ->> 'event') from pg_temp.items('hold_events') i), '{hold,capture}'::text[], 'holds have their events, and no one else''s'
);
select results_eq(
  $$ select (i ->> 'original_id')::bigint from pg_temp.items('refunds') i $$,
  $$ select id from wallet.transactions where txn_id = txn(2) $$, 'a refund has its original'
);
select results_eq(
  $$ select i ->> 'action', i ->> 'actor' from pg_temp.items('operator_actions') i $$,
  $$ values ('limits', user_of('charlie')::text), ('password_reset_created', user_of('charlie')::text), ('of before', null), ('export', null) $$,
  'it tells what operators did to the user, and this export'
);
select results_eq(
  $$ select i from pg_temp.items('sign_in_tries') i $$,
  $$ select to_jsonb(t) - 'key' from wallet.sign_in_tries t where t.kind = 'account' $$, 'of sign-ins what can be tied to the account'
);
select is((select count(*) from pg_temp.items('actions_taken')), 0::bigint, 'a user has taken no actions');

-- an operator
create temp table taken as select e.item as i from wallet_export_user('charlie') e where e.section = 'actions_taken' and e.item is not null;
select is((select array_agg(i ->> 'action') from taken), '{limits,password_reset_created}'::text[], 'an operator has, as the record says');
select is_empty(
  $$ select i from taken where position(user_of('alice')::text in i::text) + position(wallet_of('alice')::text in i::text) + position('called' in i::text) > 0 $$,
  'but not to whom, which is theirs'
);
select is(
  (select count(*) from wallet_export_user('charlie') e where position('grandma' in e.item::text) + position(wallet_of('alice')::text in e.item::text) > 0),
  0::bigint, 'nothing of others is in it'
);

-- nobody in particular
select lives_ok($$ select wallet_register('nina', 'hash') $$, 'nina is new');
select is(
  (select array_agg(distinct e.section) from wallet_export_user('nina') e where e.item is not null),
  '{account_events,operator_actions,transactions,user,wallets}'::text[], 'of her there is little'
);
select is(
  (select count(*) from wallet_export_user('nina') e where e.item is null), (select count(distinct section) - 1 from export), 'but every list is there'
);
select is(refused($$ select wallet_export_user('nobody') $$), 'WA029', 'there must be a user');
select is(refused($$ select wallet_export_user(null) $$), 'WA029', 'with a name');
create temp table nina as select user_of('nina') as id, (wallet_erase_user(user_of('nina'), 'a test')).username;
select is(
  (select i.item ->> 'id' from nina n, wallet_export_user(n.username) i where i.section = 'user'), (select id::text from nina), 'an erased user has another name'
);
set local session authorization wallet_api;
select throws_ok($$ select wallet_export_user('alice') $$, '42501', null, 'the service exports nobody');

select * from finish();
