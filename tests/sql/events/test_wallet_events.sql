-- Events: one for each thing that happened, in the order of ids, described when they are read. A fence of long ago has
-- passed, and this transaction sees its own rows; what a real mark guarantees is in tests/system/events.
select plan(35);

create temp table before as select s.last_value as id from wallet.transaction_ids s;
select lives_ok(
  $$
    select wallet_set_role('charlie', 'operator');
    select wallet_register('nina', 'x');
    select wallet_topup(wallet_of('alice'), txn(1), 70, 'from grandma', '{"note": "birthday"}', '2020-01-01');
    select wallet_hold(wallet_of('alice'), txn(2), 40, 3600, 'a room');
    select wallet_capture(wallet_of('alice'), txn(3), txn(2), 10, false);
    select wallet_void(wallet_of('alice'), txn(4), txn(2));
    select wallet_hold(wallet_of('alice'), txn(5), 30);
    select let_expire(txn(5));
    select wallet_sweep();
    select wallet_spend(wallet_of('alice'), txn(6), 50);
    select wallet_refund(wallet_of('alice'), txn(7), txn(6), 20);
    select wallet_transfer(wallet_of('alice'), txn(8), 5, p_to_username => 'bob', p_reference => 'lunch');
    select wallet_set_limits(wallet_of('alice'), '{spend}', '{100}', '{500}', '{null}');
    select wallet_set_status(wallet_of('bob'), 'frozen', 'a test', user_of('charlie'));
    select wallet_adjust(wallet_of('alice'), txn(9), -3, 'a mistake');
    select wallet_create_asset('EUR', 'Euro', 2::smallint);
    select wallet_open(user_of('nina'), 'EUR'), wallet_open(user_of('nina'), 'EUR');
    select wallet_erase_user(user_of('nina'), 'a test');
  $$, 'a great deal happens'
);
create function pg_temp.read(
  p_after bigint default null, p_limit integer default 100, p_types text[] default null, p_asset text default null,
  p_wallet_id uuid default null, p_actor uuid default null
) returns table (id bigint, type text, wallet_id uuid, counterparty_wallet_id uuid, event json)
language sql
as $$ select * from wallet_events(coalesce(p_after, (select b.id from before b)), 9007199254740991, 3, p_limit, p_types, p_asset, p_wallet_id, null, p_actor) $$;
create temp table read as select * from pg_temp.read();
create function pg_temp.data(p_type text, p_wallet_id uuid default null) returns json
language sql
as $$ select r.event -> 'data' from read r where r.type = p_type and (p_wallet_id is null or r.wallet_id = p_wallet_id) order by r.id limit 1 $$;

select results_eq(
  $$ select type from read order by id $$,
  $$ values
    ('user.role_changed'), ('user.signed_up'), ('wallet.opened'), ('transaction.bonus'), ('transaction.topup'), ('hold.opened'),
    ('transaction.capture'), ('hold.voided'), ('hold.opened'), ('hold.expired'), ('transaction.spend'), ('transaction.refund'),
    ('transaction.transfer'), ('wallet.limits_changed'), ('wallet.status_changed'), ('transaction.adjustment'), ('wallet.opened'),
    ('user.erased') $$,
  'one event for each thing that happened, in its order'
);
select ok((select bool_and(id > lag) from (select id, lag(id) over () from read) r where lag is not null), 'ids rise');
select is((select count(*) from read where type <> all (wallet.event_types())), 0::bigint, 'their names are the known ones');
select is(
  (select array_agg(k order by k collate "C") from json_object_keys((select event from read limit 1)) k),
  '{data,datacontenttype,id,source,specversion,subject,time,type}'::text[], 'the envelope is that of CloudEvents'
);
select is(
  (select (event ->> 'specversion', event ->> 'id', event ->> 'type', event ->> 'subject', event ->> 'source')::text
    from read where type = 'transaction.topup'),
  (select ('1.0', transaction_of(txn(1))::text, 'pgwallet.transaction.topup', wallet_of('alice')::text, 'urn:uuid:' || i.source_id)::text
    from wallet.installation i),
  'its id is the number, its subject the wallet'
);
select is(
  (select event ->> 'subject' from read where type = 'user.signed_up'), (select user_id::text from wallet.account_events where type = 'user.signed_up' order by id desc limit 1),
  'of a user''s event the subject is the user'
);
select ok((select bool_and((event ->> 'time')::timestamptz is not null and event ->> 'time' like '%Z') from read), 'each has its time, in UTC');

-- what they tell
select is(
  pg_temp.data('transaction.topup')::jsonb - array['receipt', 'created_at', 'entries'],
  jsonb_build_object(
    'id', transaction_of(txn(1)), 'txn_id', txn(1), 'wallet_id', wallet_of('alice'), 'type', 'topup', 'amount', 70, 'balance', 1070, 'asset', 'UC',
    'scale', 0, 'reference', 'from grandma', 'metadata', '{"note": "birthday"}'::jsonb, 'counterparty_wallet_id', null, 'original_txn_id', null,
    'hold_txn_id', null, 'effective_at', '2020-01-01T00:00:00.000000Z'
  ),
  'a transaction is told as history shows it'
);
select is(pg_temp.data('transaction.topup') ->> 'receipt', (select receipt from wallet_topup(wallet_of('alice'), txn(1), 70, 'from grandma', '{"note": "birthday"}', '2020-01-01')), 'with its receipt');
select is(
  (select array_agg((e ->> 'amount')::bigint order by n) from json_array_elements(pg_temp.data('transaction.spend') -> 'entries') with ordinality x (e, n)),
  '{-50,50}'::bigint[], 'both entries, signed, the own one first'
);
select is((select e ->> 'purpose' from json_array_elements(pg_temp.data('transaction.spend') -> 'entries') with ordinality x (e, n) where n = 2), 'spend', 'a system wallet has a purpose');
select is(
  (select array_agg((e ->> 'wallet_id', e ->> 'amount', e ->> 'balance')::text order by n) from json_array_elements(pg_temp.data('transaction.transfer') -> 'entries') with ordinality x (e, n)),
  array[(wallet_of('alice')::text, '-5', balance_of('alice') + 3)::text, (wallet_of('bob')::text, '5', balance_of('bob'))::text], 'of a transfer both sides'
);
select is(pg_temp.data('transaction.capture') ->> 'hold_txn_id', txn(2)::text, 'a capture names its hold');
select is(pg_temp.data('transaction.refund') ->> 'original_txn_id', txn(6)::text, 'a refund names its original');
select is(
  pg_temp.data('hold.opened')::jsonb - array['created_at', 'expires_at'],
  jsonb_build_object(
    'id', hold_of(txn(2)), 'txn_id', txn(2), 'wallet_id', wallet_of('alice'), 'event', 'hold', 'event_txn_id', txn(2), 'amount', 40, 'balance', 1070,
    'available', 1030, 'asset', 'UC', 'scale', 0, 'reference', 'a room', 'metadata', null
  ), 'a hold tells what it left'
);
select is(pg_temp.data('hold.voided') ->> 'amount', '30', 'a void tells what it released');
select is((pg_temp.data('hold.expired') ->> 'amount', pg_temp.data('hold.expired') ->> 'balance')::text, ('30', null::text)::text, 'so does expiry, which no request asked for');
select is(pg_temp.data('wallet.status_changed') ->> 'change', '{"status": "frozen", "previous_status": "active"}', 'a status tells what it was');
select is((pg_temp.data('wallet.limits_changed') -> 'change' -> 'limits' -> 0 ->> 'per_day'), '500', 'limits are told');
select is((select event -> 'data' ->> 'asset' from read where type = 'wallet.opened' order by id desc limit 1), 'EUR', 'an opened wallet tells its asset');
select is((select count(*) from read where event::text ~ 'alice|nina|charlie'), 0::bigint, 'nobody is named');

-- sums
select is_empty(
  $$
    select e.wallet_id, sum(e.amount) from (
      select (x ->> 'wallet_id')::uuid as wallet_id, (x ->> 'amount')::bigint as amount
      from pg_temp.read(0, 1000) r cross join json_array_elements(r.event -> 'data' -> 'entries') x where r.type like 'transaction.%'
    ) e group by 1
    except
    select l.wallet_id, sum(l.amount) from wallet.ledger l group by 1
  $$, 'the entries of all events add up to the balances'
);

-- pages and filters
select results_eq(
  $$ with recursive page as (
      select 0 as n, (select id from before) as id
      union all
      select p.n + 1, (select max(r.id) from pg_temp.read(p.id, 3) r) from page p where p.id < (select max(id) from read)
    )
    select r.id from page p cross join lateral pg_temp.read(p.id, 3) r where r.type is not null order by 1 $$,
  $$ select id from read order by id $$, 'page by page it is the same'
);
select results_eq($$ select type from pg_temp.read(p_types => '{hold.expired,transaction.refund}') where type is not null $$, $$ values ('hold.expired'), ('transaction.refund') $$, 'types');
select is((select max(id) from pg_temp.read(p_types => '{hold.expired}')), (select max(id) from read), 'a filtered page tells how far it went');
select results_eq($$ select type from pg_temp.read(p_asset => 'EUR') where type is not null $$, $$ values ('wallet.opened') $$, 'assets');
select results_eq($$ select type, wallet_id from pg_temp.read(p_wallet_id => wallet_of('bob')) $$, $$ values ('transaction.transfer', wallet_of('alice')), ('wallet.status_changed', wallet_of('bob')) $$, 'a wallet, on either side');
select results_eq(
  $$ select type from pg_temp.read(p_wallet_id => wallet.system_wallet_id('UC', 'topup')) $$, $$ values ('transaction.topup') $$, 'a system wallet, too'
);

-- erased
select lives_ok($$ select wallet_erase_user(user_of('alice'), 'a test') $$, 'a person is erased');
select is((select count(*) from pg_temp.read() where event::text ~ 'grandma|birthday|a room|lunch'), 0::bigint, 'no event that is read later tells what was erased');

-- bounds and refusals
select is_empty($$ select * from wallet_events(0, 9007199254740991, pg_current_xact_id()::text::bigint) $$, 'nothing is read before the fence has passed');
select throws_ok($$ select * from wallet_events(1, 1, 3, p_epoch => 1) $$, 'WA041', null, 'a position of an unknown history is refused');

select throws_ok($$ select * from wallet_events(0, 9, 3, p_asset => 'NONE') $$, 'WA026', null, 'an asset that does not exist is no empty filter');
select throws_ok($$ select * from wallet_events(0, 9, 3, p_wallet_id => txn(99)) $$, 'WA001', null, 'nor is a wallet');

select * from finish();
