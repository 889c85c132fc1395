-- Keys in the hands of operators: make, look, revoke; all of it on record. And what nobody can change of them.
select plan(70);

select lives_ok(
  $$
    select wallet_set_role('bob', 'operator');
    select wallet_register('dora', 'hash'), wallet_register('erin', 'hash'), wallet_erase_user(user_of('charlie'), 'a test');
  $$, 'bob is an operator, and charlie was erased'
);
create temp table who as
select (select u.id from wallet.users u where u.erased_at is not null) as erased, user_of('alice') as alice, user_of('bob') as bob, user_of('dora') as dora;
grant select on who to public;
-- a call that makes a key, with one argument changed
create function pg_temp.asked(p_change jsonb default '{}') returns text
language sql as $$
  select format('select k.* from wallet_create_key(%s) k', string_agg(format('%s => %s', a.key, a.value), ', '))
  from jsonb_each_text(jsonb_build_object(
    'p_key_id', quote_literal(txn(900)), 'p_name', quote_literal('a shop'), 'p_secret_hash', $q$sha256('secret 900')$q$,
    'p_prefix', quote_literal('pgw_aB3_-xyz'), 'p_scopes', quote_literal('{topup,spend,topup}'), 'p_user_ids', 'array[user_of(''dora''), user_of(''alice'')]',
    'p_networks', quote_literal('{192.0.2.0/24,2001:db8::/32,192.0.2.0/24}'), 'p_expires_at', quote_literal('2100-01-01 00:00Z'),
    'p_calls_per_minute', '600', 'p_actor', 'user_of(''bob'')'
  ) || p_change) a
$$;
create function pg_temp.made(p_change jsonb default '{}') returns setof wallet.described_key
language plpgsql as $$ begin return query execute pg_temp.asked(p_change); end; $$;
create function pg_temp.fault(p_change jsonb) returns text
language sql as $$ select refused(pg_temp.asked('{"p_key_id": "null", "p_secret_hash": "sha256(''another'')"}' || p_change)) $$;
create function pg_temp.recorded() returns table (action text, actor uuid, after jsonb, key_id uuid)
language sql as $$ select a.action, a.actor, a.after, a.key_id from wallet_audit(p_limit => 1) a $$;

-- make
set local session authorization wallet_api;
select results_eq(
  $$
    select k.id, k.name, k.prefix, k.scopes, k.all_users, k.user_ids, k.networks, k.calls_per_minute, k.expires_at, k.created_by, k.revoked_at, k.last_used_at
    from pg_temp.made() k
  $$,
  $$
    select txn(900), 'a shop', 'pgw_aB3_-xyz', '{spend,topup}'::text[], false, array(select unnest(array[w.alice, w.dora]) i order by i),
      '{192.0.2.0/24,2001:db8::/32}'::text[], 600, '2100-01-01 00:00Z'::timestamptz, w.bob, null::timestamptz, null::timestamptz
    from who w
  $$, 'a key is made; of what is given twice one is kept'
);
select is((select k.id from pg_temp.made() k), txn(900), 'the same again returns it');
select is(
  refused(pg_temp.asked(format('{"%s": %s}', c.argument, to_jsonb(c.value))::jsonb)), 'WA002 key_id', 'another with its id is refused: ' || c.argument
)
from (values
  ('p_name', $$'another shop'$$), ('p_secret_hash', $$sha256('another')$$), ('p_prefix', $$'pgw_other_12'$$), ('p_scopes', $$'{topup}'$$),
  ('p_user_ids', $$array[user_of('alice')]$$), ('p_networks', 'null'), ('p_expires_at', 'null'), ('p_calls_per_minute', 'null')
) as c (argument, value);
select is(refused(pg_temp.asked('{"p_actor": "user_of(''alice'')"}')), 'WA027', 'a user makes none');
select is(refused(pg_temp.asked('{"p_actor": "null"}')), 'WA002 actor', 'nor does the service by itself');
select is(
  refused(pg_temp.asked('{"p_key_id": "null"}')), 'WA002 secret_hash', 'no two have one secret'
);
reset session authorization;
select is((select count(*) from wallet.api_keys), 1::bigint, 'so there is one');
select results_eq(
  $$ select action, actor, after, key_id from pg_temp.recorded() $$,
  $$
    values (
      'key_created', (select bob from who), jsonb_build_object(
        'name', 'a shop', 'prefix', 'pgw_aB3_-xyz', 'scopes', '["spend", "topup"]'::jsonb, 'all_users', false, 'users', 2,
        'networks', '["192.0.2.0/24", "2001:db8::/32"]'::jsonb, 'calls_per_minute', 600, 'expires_at', '2100-01-01 00:00Z'::timestamptz
      ), txn(900)
    )
  $$, 'it is on record, once, without the secret'
);
select results_eq(
  $$ select k.all_users, k.user_ids, k.networks, k.expires_at, k.calls_per_minute, k.created_by
    from wallet_create_key(null, 'all', sha256('all'), 'pgw_00000000', '{read}', p_all_users => true) k $$,
  $$ values (true, null::uuid[], null::text[], null::timestamptz, null::integer, null::uuid) $$,
  'an administrator makes one for all users, from anywhere, for ever'
);

-- what cannot be
select is(pg_temp.fault(format('{"%s": %s}', c.argument, to_jsonb(c.value))::jsonb), c.fault, format('%s cannot be %s', c.argument, left(c.value, 40)))
from (values
  ('p_name', 'null', 'WA002 name'), ('p_name', $$''$$, 'WA002 name'), ('p_name', $$repeat('x', 65)$$, 'WA002 name'), ('p_name', $$E'a\nb'$$, 'WA002 name'),
  ('p_secret_hash', 'null', 'WA002 secret_hash'), ('p_secret_hash', $$'\x00'$$, 'WA002 secret_hash'),
  ('p_prefix', 'null', 'WA002 prefix'), ('p_prefix', $$'pgw_1234567'$$, 'WA002 prefix'), ('p_prefix', $$'sk__12345678'$$, 'WA002 prefix'),
  ('p_scopes', 'null', 'WA002 scopes'), ('p_scopes', $$'{}'$$, 'WA002 scopes'), ('p_scopes', $$'{topup,adjust}'$$, 'WA002 scopes'), ('p_scopes', $$'{topup,null}'$$, 'WA002 scopes'),
  ('p_user_ids', 'null', 'WA002 all_users'), ('p_all_users', 'true', 'WA002 all_users'),
  ('p_user_ids', $$'{}'$$, 'WA002 user_ids'), ('p_user_ids', $$'{null}'$$, 'WA002 user_ids'),
  ('p_user_ids', 'array(select gen_random_uuid() from generate_series(1, 1001))', 'WA002 user_ids'),
  ('p_user_ids', 'array[gen_random_uuid()]', 'WA029 user_ids'),
  ('p_user_ids', $$array[user_of('bob')]$$, 'WA002 user_ids'), ('p_user_ids', 'array[(select erased from who)]', 'WA002 user_ids'),
  ('p_networks', $$'{}'$$, 'WA002 networks'), ('p_networks', $$'{192.0.2.1/24}'$$, 'WA002 networks'), ('p_networks', $$'{null}'$$, 'WA002 networks'),
  ('p_networks', $$'{nowhere}'$$, 'WA002 networks'), ('p_networks', $$'{10}'$$, 'WA002 networks'), ('p_networks', $$'{192.168}'$$, 'WA002 networks'),
  ('p_networks', $$'{::ffff:10.0.0.0/104}'$$, 'WA002 networks'),
  ('p_networks', $$'{192.0.2.0/24,::ffff:192.0.2.7}'$$, 'WA002 networks'), ('p_networks', $$'{::ffff:0.0.0.0/96}'$$, 'WA002 networks'),
  ('p_expires_at', $$'2001-01-01'$$, 'WA002 expires_at'), ('p_expires_at', $$'infinity'$$, 'WA002 expires_at'),
  ('p_expires_at', $$'10000-01-01 00:00Z'$$, 'WA002 expires_at'),
  ('p_calls_per_minute', '0', 'WA002 calls_per_minute'), ('p_calls_per_minute', '1000001', 'WA002 calls_per_minute')
) as c (argument, value, fault);
select lives_ok(
  $$ select wallet.require_key_terms('a shop', sha256('1'), 'pgw_00000000', '{read}', null, true, '{0.0.0.0/0,::/0,::/64}', null, null) $$,
  'all of IPv4, and all of IPv6, can be'
);

-- look
create temp table newest as select array_agg(k.id order by k.created_at desc, k.id desc) as ids from wallet.api_keys k;
grant select on newest to public;
set local session authorization wallet_api;
select results_eq($$ select k.id from wallet_keys(p_actor => (select bob from who)) k $$, $$ select unnest(ids) from newest $$, 'they are listed, the newest first');
select results_eq(
  $$ select k.id from wallet_keys(1, (select ids[1] from newest), p_actor => (select bob from who)) k $$, $$ select ids[2] from newest $$, 'page by page'
);
select is(refused($$ select wallet_keys(p_before => txn(1), p_actor => (select bob from who)) $$), 'WA024 cursor', 'after one that is there');
select is(refused($$ select wallet_keys(0, p_actor => (select bob from who)) $$), 'WA002 limit', 'at least one at a time');
select is(refused($$ select wallet_keys(p_actor => (select alice from who)) $$), 'WA027', 'to operators alone');
select is((select k.name from wallet_key(txn(900), (select bob from who)) k), 'a shop', 'one is shown by its id');
select is(refused($$ select wallet_key(txn(901), (select bob from who)) $$), 'WA048', 'if there is one');

-- revoke
select is((select k.revoked_at is not null from wallet_revoke_key(txn(900), (select bob from who)) k), true, 'it is revoked');
select is(
  (select k.revoked_at from wallet_revoke_key(txn(900), (select bob from who)) k), (select k.revoked_at from wallet_key(txn(900), (select bob from who)) k),
  'again, it was revoked the first time'
);
select is(refused($$ select wallet_revoke_key(txn(901), (select bob from who)) $$), 'WA048', 'if there is one');
select is(
  (select k.id <> txn(900) and k.revoked_at is null from wallet_keys(p_actor => (select bob from who)) k), true, 'it is listed no more'
);
select is((select count(*) from wallet_keys(p_with_revoked => true, p_actor => (select bob from who))), 2::bigint, 'unless those that were revoked are asked for');
reset session authorization;
select is((select array_agg(r.user_id) from wallet.revocations r where r.user_id = txn(900)), array[txn(900)], 'services are told, once');
select results_eq(
  $$ select action, after, key_id from pg_temp.recorded() $$, $$ values ('key_revoked', '{"name": "a shop", "prefix": "pgw_aB3_-xyz"}'::jsonb, txn(900)) $$, 'and it is on record, once'
);

-- a thousand
select lives_ok(
  $$
    insert into wallet.api_keys (id, name, prefix, secret_hash, scopes, all_users)
    select gen_random_uuid(), 'one of many', 'pgw_00000000', sha256(n::text::bytea), '{read}', true from generate_series(1, 998) n;
    insert into wallet.api_keys (id, name, prefix, secret_hash, scopes, all_users, expires_at)
    select gen_random_uuid(), 'one of then', 'pgw_00000000', sha256(('then ' || n)::bytea), '{read}', true, clock_timestamp() from generate_series(1, 9) n
  $$, 'there are 999 keys, one that was revoked, and some that expired'
);
select is((select k.name from pg_temp.made('{"p_key_id": "null", "p_secret_hash": "sha256(''the thousandth'')"}') k), 'a shop', 'there is room for one');
select is(pg_temp.fault('{}'), 'WA049', 'and for no other');
select * from finish();
