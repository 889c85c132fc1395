-- Every function that the service may call, as a stranger, without an actor, and as whom it is for. Generated from
-- pg_proc, so that a later function is called too: it fails here until it refuses, or its parameters are given a value.
create temp table arguments (name text, value text, even_if_optional boolean default false);
insert into arguments (name, value) values
  ('p_owner_id', $$user_of('bob')$$), ('p_user_id', $$user_of('bob')$$), ('p_txn_id', 'txn(500)'),
  ('p_amount', '1'), ('p_asset', $$'UC'$$), ('p_at', $$'2026-01-01'$$), ('p_from', $$'2026-01-01'$$), ('p_to', $$'2026-01-02'$$),
  ('p_reason', $$'a test'$$), ('p_status', $$'active'$$), ('p_usernames', $$array['charlie']$$), ('p_txn_ids', $$array[txn(3)]$$),
  ('p_token_hash', $$sha256('a token')$$),
  ('p_hold_txn_id', 'txn(1)'), ('p_original_txn_id', 'txn(2)'), ('wallet_transaction.p_txn_id', 'txn(2)'),
  ('p_query', $$'bob'$$), ('p_transaction_id', 'transaction_of(txn(2))'), ('p_hold_id', 'hold_of(txn(1))');
insert into arguments (name, value) values
  ('p_id', '(select min(id) from waiting)'), ('p_type', $$'refund'$$), ('p_reference', 'null'), ('p_metadata', 'null'), ('p_effective_at', 'null'),
  ('p_four_eyes', '0'), ('p_after', '0'), ('p_up_to', '100'), ('p_fence', '3'),
  ('p_points', '2'), ('p_receipt', $$'a receipt'$$),
  ('p_holder', 'wallet_claim_verification()'), ('p_webhook_id', 'txn(900)'), ('p_url', $$'https://example.com'$$), ('p_secret', $$'\x01'$$),
  ('p_key_id', 'txn(901)'), ('p_name', $$'a shop'$$), ('p_secret_hash', $$sha256('pgw_of_bob')$$), ('p_prefix', $$'pgw_of_bobs_'$$), ('p_scopes', $$'{read}'$$);
insert into arguments values ('p_to_username', $$'charlie'$$, true), ('p_all_users', 'true', true);

-- Without an actor, and why that is right.
create temp table actorless (name text, why text);
insert into actorless values
  ('wallet_register', 'makes the user'),
  ('wallet_require_username', 'tells what wallet_register does'),
  ('wallet_highest_cost', 'is about all hashes'),
  ('wallet_sign_in', 'finds out who signs in'),
  ('wallet_sign_in_failed', 'nobody is signed in yet'),
  ('wallet_sign_in_succeeded', 'the user is whom the service has just verified'),
  ('wallet_rehash', 'whoever has the old hash may replace it'),
  ('wallet_change_password', 'whoever has the old hash may replace it'),
  ('wallet_require_password_reset', 'whoever has the token may use it'),
  ('wallet_reset_password', 'whoever has the token may use it'),
  ('wallet_assets', 'is about what all wallets can hold'),
  ('wallet_principal', 'finds out who is calling'),
  ('wallet_sign_out', 'the user is whom the service has just verified'),
  ('wallet_sign_out_everywhere', 'the user is whom the service has just verified'),
  ('wallet_start_session', 'the user is whom the service has just verified'),
  ('wallet_session', 'finds out who is calling'),
  ('wallet_end_session', 'whoever has the session may end it'),
  ('wallet_demo_accounts', 'tells of accounts that everybody knows'),
  ('wallet_revocations', 'tells ids and no more'),
  ('wallet_last_verification', 'is about the ledger as a whole'),
  ('wallet_claim_verification', 'tells nothing, and a verification changes nothing'),
  ('wallet_run_verification', 'goes on with what an operator started'),
  ('wallet_note_verification', 'goes on with what an operator started'),
  ('wallet_open_holds', 'tells one number about all holds'),
  ('wallet_fence_holders', 'tells who is busy anywhere in the cluster'),
  ('wallet_event_mark', 'tells how far ids are drawn, to the service'),
  ('wallet_wal_position', 'tells how far the server''s log goes'),
  ('wallet_event_settled', 'tells whether all transactions of some moment are finished'),
  ('wallet_newest_event', 'tells one number about all events'),
  ('wallet_event_feed', 'is for the streams of all users: the service gives each its own'),
  ('wallet_events_by_id', 'is for the relay, which speaks for no user'),
  ('wallet_relay_backlog', 'is for the relay, which speaks for no user'),
  ('wallet_relay_events', 'is for the relay, which speaks for no user'),
  ('wallet_relay_give_secret', 'is for the relay, which speaks for no user'),
  ('wallet_relay_progress', 'is for the relay, which speaks for no user'),
  ('wallet_relay_take', 'is for the relay, which speaks for no user'),
  ('wallet_relay_webhooks', 'is for the relay, which speaks for no user'),
  ('wallet_prune', 'removes what is old, whoever asks'),
  ('wallet_prune_deliveries', 'removes what is old, whoever asks'),
  ('wallet_sweep', 'ends what has ended by the clock, whoever asks'),
  ('wallet_locate', 'finds whom a user of another database sends to'),
  ('wallet_names', 'tells users of other databases with whom they deal'),
  ('wallet_can_receive', 'asks for a user of another database'),
  ('wallet_in_transit', 'tells sums of what is on its way'),
  ('wallet_authorize_key', 'finds out who is calling'),
  ('wallet_note_key_use', 'goes on with what the service has just verified');

create temp table functions as
select p.oid, p.proname::text as name, a.name as parameter, a.place > p.pronargs - p.pronargdefaults as is_optional
from pg_proc p
left join lateral unnest(p.proargnames[1:p.pronargs]) with ordinality a (name, place) on true
where p.proowner = 'wallet_owner'::regrole and p.pronamespace = 'public'::regnamespace
  and has_function_privilege('wallet_api', p.oid, 'execute');

create temp table calls as
select f.name,
  format('select * from public.%I(%s)', f.name, string_agg(
    format('%I => %s', f.parameter, case f.parameter when 'p_wallet_id' then '{wallet}' when 'p_actor' then '{actor}' else a.value end), ', '
  ) filter (where f.parameter in ('p_wallet_id', 'p_actor') or a.name is not null)) as sql
from functions f
left join arguments a on (a.even_if_optional or not f.is_optional)
  and a.name = case when f.name = 'wallet_transaction' and f.parameter = 'p_txn_id' then 'wallet_transaction.p_txn_id' else f.parameter end
group by f.name
having bool_or(f.parameter = 'p_actor');
grant select on calls to public;

create function pg_temp.answer(p_sql text, p_wallet text, p_actor text) returns text
language plpgsql
as $$
begin
  execute replace(replace(p_sql, '{wallet}', p_wallet), '{actor}', p_actor);
  raise sqlstate 'ZZ000';
exception
  when sqlstate 'ZZ000' then
    return 'ok';
  when others then
    return sqlstate;
end;
$$;

select plan(24);

select lives_ok(
  $$ select wallet_hold(wallet_of('bob'), txn(1), 10), wallet_spend(wallet_of('bob'), txn(2), 20), wallet_topup(wallet_of('bob'), txn(3), 30), wallet_set_role('charlie', 'operator') $$,
  'bob has a hold and a spend'
);
select lives_ok(
  $$ select wallet_register('olga', 'hash'), wallet_set_role('olga', 'operator');
    create temp table waiting as
    select c.id from wallet_propose('adjustment', wallet_of('bob'), txn(4), null, 1, 'a test', null, null, 0, user_of('olga')) c;
    grant select on waiting to public $$,
  'and an adjustment of it waits'
);
select lives_ok(
  $$ select wallet_create_key(txn(901), 'a shop', sha256('pgw_of_bob'), 'pgw_of_bobs_', '{read}', p_all_users => true) $$, 'and there is a key'
);
select lives_ok($$ select wallet_create_webhook(txn(900), 'https://example.com', p_wallet_id => wallet_of('bob')) $$, 'and a webhook tells of the wallet');
create temp table before as select count(*) from wallet.transactions;

select is_empty(
  $$ select f.name, f.parameter from functions f left join arguments a on a.name = f.parameter
    where not f.is_optional and a.name is null and f.parameter not in ('p_wallet_id', 'p_actor') and f.name in (select name from calls) $$,
  'every parameter has a value here'
);
select results_eq(
  $$ select distinct f.name collate "C" from functions f where f.name not in (select c.name from calls c) and f.parameter is distinct from 'p_actors' order by 1 $$,
  $$ select a.name collate "C" from (select name from actorless union values ('wallet_balances'), ('wallet_batch')) a order by 1 $$,
  'a function takes an actor, or it is known why not'
);
select results_eq(
  $$ select f.name::text from functions f where f.parameter = 'p_actors' order by 1 $$, $$ values ('wallet_balances' collate "C"), ('wallet_batch') $$,
  'those that take one for each item are tested below'
);

create temp table answers (name text, owner text, operator text, stranger text, unknown text, nobody text);
grant insert on answers to public;
set local session authorization wallet_api;
insert into answers
select c.name,
  pg_temp.answer(c.sql, $$wallet_of('bob')$$, $$user_of('bob')$$),
  pg_temp.answer(c.sql, $$wallet_of('bob')$$, $$user_of('charlie')$$),
  pg_temp.answer(c.sql, $$wallet_of('bob')$$, $$user_of('alice')$$),
  pg_temp.answer(c.sql, $$wallet_of('bob')$$, 'gen_random_uuid()'),
  pg_temp.answer(c.sql, $$wallet_of('bob')$$, 'null')
from calls c;
reset session authorization;

select cmp_ok((select count(*) from answers), '>', 20::bigint, 'there are functions to call');
select is_empty(
  $$ select * from answers where not (owner = 'ok' and operator in ('WA001', 'WA029') or owner = 'WA027' and operator = 'ok') $$,
  'each does its work, for the owner alone or for operators alone'
);
select is_empty(
  $$ select name, stranger, unknown from answers where (owner = 'ok') <> (stranger in ('WA001', 'WA029')) or (owner = 'WA027') <> (stranger = 'WA027') or unknown <> stranger $$,
  'to another user, and to one who does not exist, the wallet is unknown; what is for operators is refused as such'
);
select is_empty($$ select name, nobody from answers where nobody <> 'WA002' $$, 'without an actor each refuses');
select is((select count(*) from wallet.transactions), (select count from before), 'and nothing was written');

-- Others than the service: who may execute a function can name any uuid.
create role a_shop login in role wallet_app;
create role charlies login in role wallet_operator;
select lives_ok(
  $$ select wallet_record_login('charlies', 'charlie'); insert into wallet.operator_logins (login, user_id) values ('a_shop', user_of('charlie')) $$,
  'an operator has a login of their own; what is recorded of another counts for nothing, as it has not the role'
);
create function pg_temp.answers(p_role text) returns table (name text, is_granted boolean, bob text, charlie text, olga text, nobody text)
language sql as $$
  select c.name, has_function_privilege(p_role, f.oid, 'execute'),
    pg_temp.answer(c.sql, $q$wallet_of('bob')$q$, $q$user_of('bob')$q$),
    pg_temp.answer(c.sql, $q$wallet_of('bob')$q$, $q$user_of('charlie')$q$),
    pg_temp.answer(c.sql, $q$wallet_of('bob')$q$, $q$user_of('olga')$q$),
    pg_temp.answer(c.sql, $q$wallet_of('bob')$q$, 'null')
  from calls c
  cross join lateral (select distinct o.oid from functions o where o.name = c.name) f
$$;
grant select on functions, answers to public;
create temp table others (login text, name text, is_granted boolean, bob text, charlie text, olga text, nobody text);
grant insert on others to public;
set local session authorization a_shop;
insert into others select 'a_shop', a.* from pg_temp.answers('wallet_app') a;
set local session authorization charlies;
insert into others select 'charlies', a.* from pg_temp.answers('wallet_operator') a;
reset session authorization;
select is_empty(
  $$ select * from others where not is_granted and (bob, charlie, olga, nobody) <> ('42501', '42501', '42501', '42501') $$, 'what was not granted cannot be called'
);
select is_empty(
  $$ select * from others where is_granted and login = 'a_shop' and (bob, charlie, olga, nobody) <> ('ok', 'WA002', 'WA002', 'WA002') $$,
  'a program acts for users, and neither for operators nor for nobody'
);
select is_empty(
  $$ select * from others where is_granted and login = 'charlies' and (bob, charlie, olga, nobody) <> ('WA027', 'ok', 'WA002', 'WA002') $$,
  'an operator''s login acts for this operator alone'
);
select cmp_ok((select min(n) from (select count(*) as n from others where is_granted group by login) c), '>', 20::bigint, 'they are many functions');
select is((select count(*) from wallet.transactions), (select count from before), 'and nothing was written');

-- one actor for each item
set local session authorization wallet_api;
select results_eq(
  $$
    select b.type, b.outcome
    from unnest(array[user_of('alice'), gen_random_uuid(), user_of('charlie')]) a (id)
    cross join lateral wallet_batch(
      '{topup, spend, transfer, hold, capture, void, refund}', array_fill(wallet_of('bob'), array[7]),
      array(select txn(500 + n) from generate_series(1, 7) n), '{1, 1, 1, 1, 1, null, 1}', p_actors => array_fill(a.id, array[7]),
      p_to_wallet_ids => array[null, null, wallet_of('charlie'), null, null, null, null],
      p_original_txn_ids => array[null, null, null, null, txn(1), txn(1), txn(2)], p_finals => '{null, null, null, null, false, null, null}'
    ) b
    where b.outcome <> 'WA001'
  $$,
  $$ select '', '' where false $$, 'every item of a stranger''s batch finds the wallet unknown'
);
select results_eq(
  $$
    select distinct b.outcome, b.detail ->> 'field'
    from wallet_batch(
      array_fill('topup'::text, array[12]), array_fill(wallet_of('bob'), array[12]),
      array(select txn(500 + n) from generate_series(1, 12) n), array_fill(1::bigint, array[12])
    ) b
  $$,
  $$ values ('WA002', 'actor') $$, 'no item is done without an actor'
);
select is_empty(
  $$ select wallet_balances(array[wallet_of('bob'), wallet_of('bob')], array[user_of('alice'), user_of('charlie')]) $$,
  'balances are not told to strangers'
);
select is(refused($$ select wallet_balances(array[wallet_of('bob')], array[null::uuid]) $$), 'WA002 actors', 'nor to nobody');
select is(refused($$ select wallet_balances(array[wallet_of('bob')]) $$), 'WA002 actors', 'however it is left out');
reset session authorization;
select is((select count(*) from wallet.transactions), (select count from before), 'and nothing was written by these');
select * from finish();
