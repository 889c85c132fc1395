select plan(11);

create function pg_temp.hash() returns text language sql as $$ select (wallet_credentials('alice')).password_hash $$;
create temp table old as select pg_temp.hash() as hash;

select ok((select wallet_rehash(user_of('alice'), o.hash, 'better') from old o), 'a better hash of the password that was checked replaces it');
select is(pg_temp.hash(), 'better', 'it is stored');
select isnt_empty($$ select from wallet_principal(user_of('alice'), txn(1), 0) $$, 'nobody is signed out by that');
select ok(not (select wallet_rehash(user_of('alice'), o.hash, 'late') from old o), 'one that was checked before another change does not');
select is(pg_temp.hash(), 'better', 'which stays');

select is(wallet_change_password(user_of('alice'), 'better', 'new'), 1, 'another password begins a generation of tokens');
select is(pg_temp.hash(), 'new', 'its hash is stored');
select is_empty($$ select from wallet_principal(user_of('alice'), txn(1), 0) $$, 'tokens of before are revoked');
select is(
  refused($$ select wallet_change_password(user_of('alice'), 'better', 'newer') $$), 'WA034 current_password', 'of two changes at once one is refused'
);
select is(refused($$ select wallet_change_password(user_of('alice'), 'new', null) $$), 'WA002 password_hash', 'there must be a hash');
select is(pg_temp.hash(), 'new', 'a refusal changes nothing');

select * from finish();
