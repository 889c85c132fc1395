select plan(40);

-- A try with a wrong password: the seconds that it has to wait, null when it may be made. Time is what passes between tries.
create function pg_temp.wait(p_username text, p_address text) returns integer language sql
as $$ select (refusal(format('select wallet_sign_in(%L, %L)', p_username, p_address)) -> 'detail' ->> 'retry_after')::integer $$;
create function pg_temp.fail(p_username text, p_address text, p_times integer) returns void language sql
as $$ select wallet_sign_in_failed(p_username, p_address) from generate_series(1, p_times) $$;
create function pg_temp.pass(p_time interval) returns void language sql
as $$
  update wallet.sign_in_tries
  set counts_until = counts_until - p_time, next_try_at = next_try_at - p_time, known_until = known_until - p_time
$$;

-- delays
select is(
  (select array_agg(extract(epoch from wallet.sign_in_delay('pair', n))::integer) from unnest(array[0, 4, 5, 6, 7, 10, 11, 1000000]) n),
  array[null, null, 1, 2, 4, 32, 60, 60],
  'the delay doubles from a second to a minute, and no further'
);
select is(wallet.sign_in_delay('account', 19), null, 'an account is let fail 20 times');
select is(wallet.sign_in_delay('address', 199), null, 'an address 200 times');

-- a pair
select is((wallet_sign_in('alice', 'here')).password_hash, (wallet_credentials('alice')).password_hash, 'it returns what a sign-in needs');
select is_empty($$ select wallet_sign_in('nobody', 'here') $$, 'an unknown name has no row');
select lives_ok($$ select pg_temp.fail('alice', 'here', 4) $$, 'four wrong passwords');
select is(pg_temp.wait('alice', 'here'), null, 'cost nothing');
select lives_ok($$ select pg_temp.fail('alice', 'here', 1) $$, 'the fifth');
select is(pg_temp.wait('alice', 'here'), 1, 'makes the next try wait');
select is(refused($$ select wallet_sign_in('ALICE', 'here') $$), 'WA033', 'however the name is spelt');
select is(pg_temp.wait('alice', 'elsewhere'), null, 'but not one from elsewhere');
select is(pg_temp.wait('bob', 'here'), null, 'nor another user''s');
select lives_ok($$ select pg_temp.pass('1 second') $$, 'after the delay');
select is(pg_temp.wait('alice', 'here'), null, 'one try may be made');
select is(pg_temp.wait('alice', 'here'), 1, 'and no second one while nobody knows what became of it');
select lives_ok($$ select pg_temp.fail('alice', 'here', 100) $$, 'however many fail');
select is(pg_temp.wait('alice', 'here'), 60, 'it is a minute at most');
select lives_ok($$ select pg_temp.pass('1 minute'), wallet_sign_in('alice', 'here'), wallet_sign_in_succeeded('alice', 'here') $$, 'the right password');
select is(pg_temp.wait('alice', 'here'), null, 'ends the delay');
select lives_ok($$ select pg_temp.fail('nobody', 'here', 5) $$, 'a name that nobody has');
select is(pg_temp.wait('nobody', 'here'), 1, 'waits like any other');

-- when
select ok((select last_sign_in_at > now() - interval '1 minute' from wallet.users where username = 'alice'), 'the moment is on record');
select is((wallet_sign_in('alice', 'here')).settled, true, 'a minute long it needs not be told again');
update wallet.users set last_sign_in_at = last_sign_in_at - interval '1 minute' where username = 'alice';
select is((wallet_sign_in('alice', 'here')).settled, false, 'then it does');
select is((select last_sign_in_at from wallet.users where username = 'bob'), null, 'whoever only signed up has no such moment');
select lives_ok($$ select wallet_sign_in_succeeded('ALICE', 'here') $$, 'however the name is spelt');

-- an account, tried from everywhere
select lives_ok($$ select pg_temp.fail('alice', 'place ' || n, 1) from generate_series(1, 25) n $$, 'somebody tries from many places');
select is(pg_temp.wait('alice', 'a new place'), 32, 'and has to wait, wherever that is');
select is(pg_temp.wait('alice', 'here'), null, 'where the user signed in before there is no delay');
select lives_ok($$ select pg_temp.pass('31 days') $$, 'a month later');
select lives_ok($$ select pg_temp.fail('alice', 'place ' || n, 1) from generate_series(1, 25) n $$, 'when it goes on');
select ok(pg_temp.wait('alice', 'here') > 1, 'there is');

-- an address that tries everybody
select lives_ok($$ select wallet_sign_in_succeeded('bob', 'a gateway'), pg_temp.fail('user ' || n, 'a gateway', 1) from generate_series(1, 205) n $$, 'somebody tries many names');
select ok(pg_temp.wait('charlie', 'a gateway') > 1, 'and has to wait, whoever that is');
select is(pg_temp.wait('bob', 'a gateway'), null, 'who signed in there before does not');
select lives_ok($$ select wallet_sign_in_succeeded('bob', 'a gateway') $$, 'an account of one''s own');
select ok(pg_temp.wait('charlie', 'a gateway') > 1, 'does not absolve the address');

-- time heals
select lives_ok($$ select pg_temp.pass('1 hour') $$, 'after an hour without failures');
select is(pg_temp.wait('charlie', 'a gateway'), null, 'they do not count');
update wallet.sign_in_tries set counts_until = '-infinity', known_until = '-infinity';
select pg_temp.fail('alice', 'here', 100);
select is((select count(*) from wallet.sign_in_tries), 3::bigint, 'nor are they kept');

select * from finish();
