-- Who calls with a key, and for whom; and when it was used.
select plan(31);
select lives_ok(
  $$
    select wallet_set_role('bob', 'operator');
    select wallet_register('dora', 'hash'), wallet_register('erin', 'hash');
    select wallet_create_key(txn(900), 'a shop', sha256('listed'), 'pgw_listed00', '{topup,read}', array[user_of('alice'), user_of('dora')],
      p_networks => '{192.0.2.0/24,2001:db8::/32}', p_calls_per_minute => 60, p_expires_at => '2100-01-01 00:00Z');
    select wallet_create_key(txn(901), 'a bank', sha256('all'), 'pgw_all_0000', '{read}', p_all_users => true);
    select wallet_create_key(txn(902), 'an old one', sha256('revoked'), 'pgw_old_0000', '{read}', p_all_users => true);
    select wallet_revoke_key(txn(902));
    insert into wallet.api_keys (id, name, prefix, secret_hash, scopes, all_users, expires_at)
    values (txn(903), 'one of then', 'pgw_then0000', sha256('expired'), '{read}', true, clock_timestamp() - interval '1 second');
  $$, 'there are keys'
);
create temp table who as select user_of('alice') as alice, user_of('bob') as bob, user_of('charlie') as charlie, user_of('dora') as dora, wallet_of('alice') as wallet;
grant select on who to public;
create function pg_temp.reason(p_secret text, p_address inet, p_user_id uuid, p_username text) returns text
language sql as $$
  select coalesce(r ->> 'code' || ' ' || coalesce(r -> 'detail' ->> 'reason', ''), 'allowed')
  from refusal(format('select * from wallet_authorize_key(sha256(%L), %L, %L, %L)', p_secret, p_address, p_user_id, p_username)) r
$$;

set local session authorization wallet_api;
select results_eq(
  $$ select * from wallet_authorize_key(sha256('listed'), '192.0.2.7', (select alice from who)) $$,
  $$ select txn(900), 'a shop', 'pgw_listed00', '{read,topup}'::text[], 60, '2100-01-01 00:00Z'::timestamptz, w.alice, 'alice', w.wallet from who w $$,
  'a key acts for one of its users, whose wallet is told'
);
select is((select k.user_id from wallet_authorize_key(sha256('listed'), '192.0.2.7', p_username => 'ALICE') k), (select alice from who), 'by name, too');
select is((select k.user_id from wallet_authorize_key(sha256('all'), null, (select charlie from who)) k), (select charlie from who), 'or for any user, from anywhere');
select is_empty(format('select * from wallet_authorize_key(sha256(%L), null, (select alice from who))', s), 'a secret that is ' || s || ' is nobody''s')
from unnest('{unknown,revoked,expired}'::text[]) s;
select is_empty($$ select * from wallet_authorize_key(null, null, (select alice from who)) $$, 'so is none');

select is(pg_temp.reason('listed', a, (select alice from who), null), 'allowed', 'from ' || a)
from unnest('{192.0.2.0,192.0.2.255,2001:db8::1,::ffff:192.0.2.7}'::inet[]) a;
select is(pg_temp.reason('listed', a, (select alice from who), null), 'WA047 network', 'not from ' || coalesce(a::text, 'nowhere'))
from unnest('{192.0.3.1,2001:db9::1,::ffff:192.0.3.1,null}'::inet[]) a;
select is(pg_temp.reason('listed', '192.0.2.7', (select charlie from who), null), 'WA047 subject', 'not for another user');
select is(pg_temp.reason('listed', '192.0.2.7', gen_random_uuid(), null), 'WA047 subject', 'nor for one who does not exist');
select is(pg_temp.reason('all', null, null, 'nobody'), 'WA047 subject', 'not even by a key for all');
select is(pg_temp.reason('all', null, (select bob from who), null), 'WA047 subject', 'which are no operators');
select is(
  refusal($$ select wallet_authorize_key(sha256('all'), null, p_username => 'bob') $$) -> 'detail', jsonb_build_object('key_id', txn(901), 'reason', 'subject', 'scope', null),
  'the refusal tells the key'
);
select is(refused($$ select wallet_authorize_key(sha256('all'), null) $$), 'WA002 user_id', 'a user must be named');
select is(refused($$ select wallet_authorize_key(sha256('all'), null, txn(1), 'alice') $$), 'WA002 user_id', 'in one way');
reset session authorization;

select lives_ok($$ select wallet_set_role('alice', 'operator'), wallet_erase_user((select dora from who), 'a test') $$, 'alice becomes an operator, dora is erased');
set local session authorization wallet_api;
select is(pg_temp.reason('listed', '192.0.2.7', (select alice from who), null), 'WA047 subject', 'an operator is no user of a key any more');
select is(pg_temp.reason('listed', '192.0.2.7', (select dora from who), null), 'WA047 subject', 'nor is an erased one');

-- used
select lives_ok($$ select wallet_note_key_use(array[txn(900), txn(999), txn(900), null]) $$, 'keys were used, and one that is none');
select is(
  (select k.last_used_at > now() and k.last_used_at < clock_timestamp() from wallet_key(txn(900), (select bob from who)) k), true, 'the key tells when'
);
reset session authorization;
create temp table first_use as select k.last_used_at from wallet.api_keys k where k.id = txn(900);
select lives_ok($$ select wallet_note_key_use(array[txn(900)]) $$, 'a moment later it is used again');
select is((select k.last_used_at from wallet.api_keys k where k.id = txn(900)), (select last_used_at from first_use), 'within a minute that is not written');
select is(refused($$ select wallet_note_key_use(array(select gen_random_uuid() from generate_series(1, 1001))) $$), 'WA002 key_ids', 'a thousand at a time');
select * from finish();
