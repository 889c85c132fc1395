-- Users see their own side alone; operators are on record where they look at one wallet.
select plan(19);

select lives_ok(
  $$
    select wallet_set_role('charlie', 'operator');
    select wallet_transfer(wallet_of('alice'), txn(1), 5, p_to_username => 'bob', p_reference => 'lunch');
    select wallet_topup(wallet_of('alice'), txn(2), 70, 'a secret');
    select wallet_hold(wallet_of('bob'), txn(3), 40);
  $$, 'two users do something'
);
create function pg_temp.read(p_username text, p_actor uuid default null, p_types text[] default null) returns table (id bigint, type text, wallet_id uuid, event json)
language sql
as $$ select * from wallet_user_events(tap.user_of(p_username), 0, 9007199254740991, 3, 100, p_types, null, p_actor) $$;

select results_eq(
  $$ select type from pg_temp.read('bob') $$, $$ values ('wallet.opened'), ('transaction.bonus'), ('transaction.transfer'), ('hold.opened') $$, 'what happened in the own wallet'
);
select is(
  (select (event ->> 'subject', event -> 'data' ->> 'wallet_id', event -> 'data' ->> 'amount', event -> 'data' ->> 'counterparty_wallet_id', event -> 'data' ->> 'reference')::text
    from pg_temp.read('bob') where type = 'transaction.transfer'),
  (wallet_of('bob')::text, wallet_of('bob')::text, '5', wallet_of('alice')::text, 'lunch')::text, 'a transfer that was received is told from the own side'
);
select is(
  (select event -> 'data' -> 'entries' #>> '{}' from pg_temp.read('bob') where type = 'transaction.transfer') ~ wallet_of('alice')::text, false,
  'without the other side''s entry, which tells a balance'
);
select is((select count(*) from pg_temp.read('bob') where event::text ~ 'a secret'), 0::bigint, 'and nothing of others');
select results_eq($$ select type from pg_temp.read('bob', null, '{hold.opened}') $$, $$ values ('hold.opened') $$, 'types');
select throws_ok($$ select pg_temp.read('bob', user_of('alice')) $$, 'WA029', null, 'another user is refused');
select results_eq(
  $$ select type, user_id, event -> 'data' ->> 'amount' from wallet_event_feed(0, 9007199254740991, 3, 1000, array[user_of('alice'), user_of('bob')])
    where type = 'transaction.transfer' order by 3 $$,
  $$ values ('transaction.transfer', user_of('alice'), '-5'), ('transaction.transfer', user_of('bob'), '5') $$,
  'the feed has an event once for each user who listens'
);
select is(
  (select count(event) from wallet_event_feed(0, 9007199254740991, 3, 1000, '{}')), 0::bigint, 'for nobody it tells how far it went, and no more'
);

select is(
  (select (count(*) filter (where event is not null), max(id))::text from wallet_event_feed(0, 9007199254740991, 3, 1000, array[user_of('bob')])),
  (4, (select last_value from wallet.transaction_ids))::text, 'for one user it tells the own events, and how far it went'
);
select is(wallet_newest_event(9007199254740991, 3), (select last_value from wallet.transaction_ids), 'what happens from now on comes after the newest event');
select is(
  (select array_agg(wallet_newest_event(n, 3)) from unnest(array[0, 1]) n), array[0, 1]::bigint[], 'which is none, or one up to the bound'
);

create temp table looks as select count(*) as n from wallet.operator_actions where action = 'read';
select lives_ok(
  $$ select * from wallet_events(0, 9007199254740991, 3, p_wallet_id => wallet_of('bob'), p_actor => user_of('charlie')) $$, 'an operator reads one wallet''s events'
);
select is(
  (select (a.user_id, a.actor, a.detail)::text from wallet.operator_actions a where a.action = 'read' order by a.id desc limit 1),
  (user_of('bob'), user_of('charlie'), '{"of": "events"}'::jsonb)::text, 'which is on record'
);
select throws_ok(
  $$ select wallet_user_events(tap.user_of('bob'), 9223372036854775807, 9007199254740991, 3) $$, 'WA024', null, 'after the greatest number is nothing'
);

-- a wallet with more events than a page examines, and another one of its owner with few
insert into wallet.account_events (type, user_id, wallet_id, data)
select 'wallet.limits_changed', tap.user_of('bob'), wallet_of('bob'), '{}' from generate_series(1, 10000);
select lives_ok(
  $$
    select wallet_open(tap.user_of('bob'), 'USD');
    select wallet_topup(wallet_of('bob'), txn(20), 1);
    select wallet_topup((select w.id from wallet.wallets w where w.owner_id = tap.user_of('bob') and w.asset = 'USD'), txn(21), 2);
  $$, 'something rare, after much else'
);
create temp table first_page as select * from pg_temp.read('bob', null, '{transaction.topup}');
select results_eq(
  $$ select type, event is null, id < (select min(t.id) from wallet.transactions t where t.txn_id in (txn(20), txn(21))) from first_page $$,
  $$ values (null::text, true, true) $$, 'a page that stops before it tells how far it went, also where another wallet has more'
);
select results_eq(
  $$ select event -> 'data' ->> 'amount' from wallet_user_events(
    tap.user_of('bob'), (select id from first_page), 9007199254740991, 3, 100, '{transaction.topup}') $$,
  $$ values ('1'), ('2') $$, 'and the next page goes on from there'
);
select results_eq(
  $$ select event -> 'data' ->> 'amount' from wallet_user_events(
    tap.user_of('bob'), (select id from first_page), 9007199254740991, 3, 1, '{transaction.topup}') $$,
  $$ values ('1') $$, 'page by page'
);

select * from finish();
