select plan(35);

create function pg_temp.id(p_number integer) returns bytea language sql immutable
as $$ select sha256(format('session %s', p_number)::bytea) $$;
create function pg_temp.begin(p_number integer, p_name text, p_generation integer default 0) returns timestamptz language sql
as $$ select wallet_start_session(pg_temp.id(p_number), user_of(p_name), p_generation) $$;
create function pg_temp.knows(p_number integer) returns boolean language sql
as $$ select exists (select from wallet_session(pg_temp.id(p_number))) $$;

-- begun
select ok(
  (select now() + interval '1 day' < e.at and e.at < clock_timestamp() + interval '1 day' from pg_temp.begin(1, 'alice') e (at)),
  'a session begins, and expires a day later'
);
select results_eq(
  $$ select * from wallet_session(pg_temp.id(1)) $$,
  $$ select user_of('alice'), 'alice', 'user', wallet_of('alice'), s.expires_at from wallet.sessions s $$,
  'it tells whose it is, and the default wallet'
);
select ok(not pg_temp.knows(2), 'another one is nobody''s');
select is_empty('select from wallet_session(null)', 'nor is none');
update wallet.users set role = 'operator' where username = 'alice';
select is((wallet_session(pg_temp.id(1))).role, 'operator', 'the role is the one stored now');

-- refused
select is(pg_temp.begin(1, 'alice'), (wallet_session(pg_temp.id(1))).expires_at, 'begun again it is the same');
select is(refused($$ select pg_temp.begin(1, 'bob') $$), 'WA002 session_hash', 'nobody else begins it');
select is((wallet_session(pg_temp.id(1))).username, 'alice', 'which stays whose it was');
select is(refused($$ select wallet_start_session('\x01', user_of('alice'), 0) $$), 'WA002 session_hash', 'it takes a hash');
select is(refused($$ select wallet_start_session(null, user_of('alice'), 0) $$), 'WA002 session_hash', 'and takes one');
select is(refused($$ select wallet_start_session(pg_temp.id(2), gen_random_uuid(), 0) $$), 'WA029', 'and a user who exists');
select is(refused($$ select pg_temp.begin(2, 'alice', null) $$), 'WA029', 'and a generation of tokens');

-- ended
select lives_ok($$ select pg_temp.begin(2, 'alice'), pg_temp.begin(3, 'alice'), pg_temp.begin(4, 'bob') $$, 'there are more');
select lives_ok($$ select wallet_end_session(pg_temp.id(1)) $$, 'one ends');
select ok(not pg_temp.knows(1), 'whoever has its id is nobody');
select ok(pg_temp.knows(2), 'another of the user''s goes on');
select results_eq(
  $$ select r.user_id, r.token_id is null, r.expires_at > clock_timestamp() from wallet.revocations r $$,
  $$ values (user_of('alice'), false, true) $$,
  'processes of the service hear of it'
);
select lives_ok($$ select wallet_end_session(pg_temp.id(1)), wallet_end_session(null) $$, 'again is no error, nor is none');
select is((select count(*) from wallet.revocations), 1::bigint, 'and changes nothing');

-- expired
update wallet.sessions set expires_at = statement_timestamp() where session_hash = pg_temp.id(2);
select ok(not pg_temp.knows(2), 'when it has expired, it is nobody''s');
select is((select count(*) from wallet.sessions), 3::bigint, 'it is still there');
select lives_ok($$ select pg_temp.begin(5, 'bob') $$, 'until another begins');
select is((select count(*) from wallet.sessions where session_hash = pg_temp.id(2)), 0::bigint, 'which forgets it');

-- all at once
update wallet.users set token_generation = 1 where username = 'bob';
select ok(not pg_temp.knows(4), 'one of an earlier generation of tokens is nobody''s');
select is(refused($$ select pg_temp.begin(6, 'bob') $$), 'WA029', 'a sign-in from before begins none');
select lives_ok($$ select wallet_sign_out_everywhere(user_of('alice')) $$, 'alice signs out everywhere');
select is_empty($$ select from wallet.sessions s where s.user_id = user_of('alice') $$, 'which ends all of hers');

select pg_temp.begin(7, 'bob', 1), pg_temp.begin(8, 'charlie');
select lives_ok($$ select wallet_change_password(user_of('bob'), u.password_hash, 'new') from wallet.users u where u.username = 'bob' $$, 'another password');
select ok(not pg_temp.knows(7), 'ends them too');
select lives_ok($$ select wallet_set_role('charlie', 'operator'), wallet_set_role('charlie', 'user') $$, 'another role');
select ok(not pg_temp.knows(8), 'ends them too');
select pg_temp.begin(9, 'bob', 2);
select lives_ok($$ select wallet_erase_user(user_of('bob'), 'a test') $$, 'an erasure');
select is_empty($$ select from wallet.sessions s where s.user_id = user_of('bob') or s.session_hash = pg_temp.id(9) $$, 'leaves none');

-- bounded
select count(pg_temp.begin(n, 'charlie', 2)) from generate_series(101, 201) n;
select is((select count(*) from wallet.sessions s where s.user_id = user_of('charlie')), 100::bigint, 'a user has a hundred at most');
select results_eq(
  $$ select n from generate_series(101, 201) n where not pg_temp.knows(n) $$, 'values (101)', 'the oldest one ends'
);

select * from finish();
