-- Users see their own side alone; operators are on record where they look at one wallet.
select plan(11);

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
  $$ select type, wallet_id, event -> 'data' ->> 'amount' from wallet_event_feed(0, 9007199254740991, 3, 1000, array[wallet_of('alice'), wallet_of('bob')])
    where type = 'transaction.transfer' order by 3 $$,
  $$ values ('transaction.transfer', wallet_of('alice'), '-5'), ('transaction.transfer', wallet_of('bob'), '5') $$,
  'the feed has an event once for each wallet that is listened to'
);
select is(
  (select count(event) from wallet_event_feed(0, 9007199254740991, 3, 1000, '{}')), 0::bigint, 'for nobody it tells how far it went, and no more'
);

create temp table looks as select count(*) as n from wallet.operator_actions where action = 'read';
select lives_ok(
  $$ select * from wallet_events(0, 9007199254740991, 3, p_wallet_id => wallet_of('bob'), p_actor => user_of('charlie')) $$, 'an operator reads one wallet''s events'
);
select is(
  (select (a.user_id, a.actor, a.detail)::text from wallet.operator_actions a where a.action = 'read' order by a.id desc limit 1),
  (user_of('bob'), user_of('charlie'), '{"of": "events"}'::jsonb)::text, 'which is on record'
);

select * from finish();
