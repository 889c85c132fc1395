-- A user who forgot the password: an operator makes a one-time token, and whoever has it sets another password.
select plan(48);

create function pg_temp.hash_of(p_username text) returns text language sql as $$ select (wallet_credentials(p_username)).password_hash $$;
create function pg_temp.actions(p_username text) returns setof wallet.operator_actions
language sql as $$ select * from wallet.operator_actions a where a.user_id = user_of(p_username) order by a.id $$;
create temp table olga as select o.user_id as id from wallet_register('olga', 'hash') o;
create temp table otto as select o.user_id as id from wallet_register('otto', 'hash') o;
select lives_ok($$ select wallet_set_role('olga', 'operator'), wallet_set_role('otto', 'operator') $$, 'there are operators');
grant select on olga, otto to public;

-- making a token
set local session authorization wallet_api;
select results_eq(
  $$ select user_id, expires_at > now() + interval '59 minutes' and expires_at <= clock_timestamp() + interval '1 hour'
    from wallet_create_password_reset(user_of('alice'), sha256('first'), 'called from her known number', p_actor => (select id from olga)) $$,
  $$ values (user_of('alice'), true) $$, 'an operator makes a token, which is valid for an hour'
);
select is(
  refused($$ select wallet_create_password_reset(user_of('alice'), sha256('x'), 'x', p_actor => user_of('alice')) $$), 'WA027',
  'no user makes one, not even of their own'
);
select is(
  refused($$ select wallet_create_password_reset((select id from olga), sha256('x'), 'x', p_actor => (select id from olga)) $$), 'WA038 user_id',
  'an operator makes none of their own'
);
select is(
  refused($$ select wallet_create_password_reset((select id from otto), sha256('x'), 'x', p_actor => (select id from olga)) $$), 'WA038 user_id',
  'nor of another operator'
);
select is(
  refused($$ select wallet_create_password_reset(gen_random_uuid(), sha256('x'), 'x', p_actor => (select id from olga)) $$), 'WA029', 'there must be a user'
);
select is(
  array(
    select refused(format($$ select wallet_create_password_reset(%s, p_actor => (select id from olga)) $$, a.a))
    from (values
      (1, $$null, sha256('x'), 'x'$$), (2, $$user_of('alice'), null, 'x'$$), (3, $$user_of('alice'), 'short', 'x'$$),
      (4, $$user_of('alice'), sha256('x'), null$$), (5, $$user_of('alice'), sha256('x'), ''$$),
      (6, $$user_of('alice'), sha256('x'), 'x', 59$$), (7, $$user_of('alice'), sha256('x'), 'x', 86401$$), (8, $$user_of('alice'), sha256('x'), 'x', null$$)
    ) a (n, a)
    order by a.n
  ),
  array['WA002 user_id', 'WA002 token_hash', 'WA002 token_hash', 'WA002 reason', 'WA002 reason', 'WA002 expires_in', 'WA002 expires_in', 'WA002 expires_in'],
  'arguments at fault are named'
);
reset session authorization;
select results_eq(
  $$ select actor, action, reason, detail = jsonb_build_object('expires_at', (select expires_at from wallet.password_resets)) from pg_temp.actions('alice') $$,
  $$ select id, 'password_reset_created', 'called from her known number', true from olga $$, 'it is on record who made it, and why'
);
select is_empty(
  $$ select from wallet.password_resets r where to_jsonb(r)::text like '%first%' $$, 'the database has the hash of the token alone'
);

-- using it
select lives_ok($$ select wallet_sign_in_failed('alice', 'elsewhere') from generate_series(1, 25) $$, 'somebody fails to sign in as her');
select is(refusal($$ select wallet_sign_in('alice', 'home') $$) ->> 'code', 'WA033', 'so that she has to wait');
create temp table before as select pg_temp.hash_of('alice') as hash;
set local session authorization wallet_api;
select is(wallet_require_password_reset(sha256('first')), user_of('alice'), 'the token is known before anything is hashed');
select is(
  refused($$ select wallet_reset_password(sha256('first'), null, 'home') $$), 'WA002 password_hash', 'there must be a hash of a password'
);
select is(refused($$ select wallet_require_password_reset(sha256('another')) $$), 'WA037 token', 'an unknown token is not valid');
select is(refused($$ select wallet_require_password_reset(null) $$), 'WA037 token', 'nor is none');
select is(refused($$ select wallet_reset_password(sha256('another'), 'new', 'home') $$), 'WA037 token', 'nor does it reset a password');
reset session authorization;
select is(pg_temp.hash_of('alice'), (select hash from before), 'a refusal changes nothing');
set local session authorization wallet_api;
select results_eq(
  $$ select * from wallet_reset_password(sha256('first'), 'new', 'home') $$,
  $$ values (user_of('alice'), 'alice', 'user', wallet_of('alice'), 1) $$, 'it signs the user in, with tokens of the next generation'
);
select is(refused($$ select wallet_reset_password(sha256('first'), 'newer', 'home') $$), 'WA037 token', 'it is used once');
select is(refused($$ select wallet_require_password_reset(sha256('first')) $$), 'WA037 token', 'and not known any more');
reset session authorization;
select is(pg_temp.hash_of('alice'), 'new', 'the new password is stored');
select is_empty($$ select from wallet_principal(user_of('alice'), txn(1), 0) $$, 'tokens of before are revoked');
select isnt_empty(
  $$ select from wallet.revocations r where r.user_id = user_of('alice') and r.token_id is null $$, 'which other processes of the service hear of'
);
select is((select settled from wallet_sign_in('alice', 'home')), true, 'failed sign-ins are forgotten, and she is known at this address');
select is(
  (select last_sign_in_at > now() from wallet.users where id = user_of('alice')), true, 'it counts as a sign-in'
);
select results_eq(
  $$ select actor, reason, detail ->> 'created_by' from pg_temp.actions('alice') where action = 'password_reset' $$,
  $$ select user_of('alice'), null, id::text from olga $$, 'it is on record, with who made the token'
);
select is_empty('select from wallet.password_resets', 'nothing is left of the token');

-- what ends a token
select lives_ok(
  $$ select wallet_create_password_reset(user_of('bob'), sha256('b1'), 'x', p_actor => (select id from olga)),
    wallet_create_password_reset(user_of('bob'), sha256('b2'), 'x', p_actor => (select id from otto)) $$, 'bob gets two'
);
select is(refused($$ select wallet_require_password_reset(sha256('b1')) $$), 'WA037 token', 'the newer one ends the older one');
select is(wallet_require_password_reset(sha256('b2')), user_of('bob'), 'and is valid itself');
update wallet.password_resets set expires_at = now();
select is(refused($$ select wallet_require_password_reset(sha256('b2')) $$), 'WA037 token', 'an expired one is not valid');
select is(refused($$ select wallet_reset_password(sha256('b2'), 'new', 'home') $$), 'WA037 token', 'nor does it reset a password');
select lives_ok(
  $$ select wallet_create_password_reset(user_of('charlie'), sha256('c1'), 'x', p_actor => (select id from olga)) $$, 'charlie gets one'
);
select is((select array_agg(user_id) from wallet.password_resets), array[user_of('charlie')], 'which sweeps the expired one away');
select lives_ok($$ select wallet_set_role('charlie', 'operator') $$, 'he becomes an operator');
select is(
  refused($$ select wallet_reset_password(sha256('c1'), 'new', 'home') $$), 'WA037 token',
  'his token ends: whoever made it must not become an operator by it'
);
create temp table answers as
select distinct refusal(format('select wallet_reset_password(sha256(%L), %L, %L)', t.t, 'new', 'home')) as answer
from unnest(array['never', 'first', 'b1', 'b2', 'c1']) t (t);
select is((select count(*) from answers), 1::bigint, 'unknown, used, replaced, expired and withdrawn tokens get the same words');

-- nor does it outlive the role of whoever made it
select lives_ok(
  $$ select wallet_create_password_reset(user_of('bob'), sha256('b5'), 'x', p_actor => (select id from otto)), wallet_set_role('otto', 'user') $$,
  'otto makes a token, and is no operator any more'
);
select is(refused($$ select wallet_reset_password(sha256('b5'), 'new', 'home') $$), 'WA037 token', 'his tokens for others end');
select lives_ok(
  $$ select wallet_set_role('otto', 'operator'),
    wallet_create_password_reset(user_of('bob'), sha256('b6'), 'x', p_actor => (select id from otto)),
    wallet_erase_user((select id from otto), 'left us') $$, 'an operator is erased'
);
select is(refused($$ select wallet_reset_password(sha256('b6'), 'new', 'home') $$), 'WA037 token', 'and so are those tokens');

-- administrators and erasure
select lives_ok($$ select wallet_create_password_reset((select id from olga), sha256('o1'), 'x') $$, 'an administrator makes one for an operator');
select is((select role from wallet_reset_password(sha256('o1'), 'new', null)), 'operator', 'who stays one');
select lives_ok($$ select wallet_create_password_reset(user_of('bob'), sha256('b3'), 'x') $$, 'bob gets one');
create temp table bob as select user_of('bob') as id;
select lives_ok($$ select wallet_erase_user((select id from bob), 'a request') $$, 'bob is erased');
select is(refused($$ select wallet_reset_password(sha256('b3'), 'new', 'home') $$), 'WA037 token', 'his token is erased with him');
select is(refused($$ select wallet_create_password_reset((select id from bob), sha256('b4'), 'x') $$), 'WA029', 'and there is no other');
select is_empty('select * from wallet_verify()', 'the ledger is sound at the end');

select * from finish();
