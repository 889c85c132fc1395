select plan(7);

create function pg_temp.offered() returns text[] language sql as $$ select array(select wallet_demo_accounts()) $$;

select is(pg_temp.offered(), array['alice', 'bob', 'charlie'], 'the seeds make them, with the passwords that everybody knows');
select lives_ok($$ select wallet_register('dora', (select u.password_hash from wallet.users u where u.username = 'alice')) $$, 'nobody else is one');
select is(pg_temp.offered(), array['alice', 'bob', 'charlie'], 'whatever the password');
select wallet_change_password(u.id, u.password_hash, 'another') from wallet.users u where u.username = 'alice';
select is(pg_temp.offered(), array['bob', 'charlie'], 'one with another password is not offered');
select wallet_erase_user(user_of('bob'), 'a test');
select is(pg_temp.offered(), array['charlie'], 'nor is an erased one');
update wallet.users set username = 'carlos' where username = 'charlie';
select is(pg_temp.offered(), '{}', 'nor one that is not there');
update wallet.users set username = 'bob' where username = 'carlos';
select is(pg_temp.offered(), '{}', 'nor one with the password of another');

select * from finish();
