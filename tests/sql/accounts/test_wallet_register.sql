select plan(52);

-- the answer
create temp table dora as select * from wallet_register('Dora', 'a hash');
select is(username, 'dora', 'the username is folded to lower case') from dora;
select is(user_id, user_of('dora'), 'it returns the id of the new user') from dora;
select is(wallet_id, wallet_of('dora'), 'it returns the id of the new wallet') from dora;
select is(asset, 'UC', 'the wallet is in the default asset') from dora;
select is(scale, 0::smallint, 'it returns the scale of the asset') from dora;
select is(balance, 1000::bigint, 'the balance is the bonus') from dora;
select is(available, 1000::bigint, 'all of the bonus is available') from dora;
select cmp_ok(created_at, '<=', clock_timestamp(), 'created_at is not in the future') from dora;
select cmp_ok(created_at, '>=', transaction_timestamp(), 'created_at is the time of the call') from dora;

-- what it wrote
select results_eq(
  $$ select username, password_hash, role from wallet.users where username = 'dora' $$,
  $$ values ('dora', 'a hash', 'user') $$,
  'the user is stored with the hash as given and the role user'
);
select results_eq(
  $$ select id, asset, kind, status from wallet.wallets where owner_id = user_of('dora') $$,
  $$ values (wallet_of('dora'), 'UC', 'user', 'active') $$,
  'the user has one wallet'
);
select results_eq(
  $$ select seq, type::text, amount from wallet.transactions where wallet_id = wallet_of('dora') $$,
  $$ values (1::bigint, 'bonus', 1000::bigint) $$,
  'the bonus is a transaction of the wallet'
);
select results_eq(
  $$
    select w.kind, w.purpose, w.asset, l.amount, l.balance_after
    from wallet.transactions t
    join wallet.ledger l on l.transaction_id = t.id
    join wallet.wallets w on w.id = l.wallet_id
    where t.wallet_id = wallet_of('dora')
    order by l.amount
  $$,
  $$ values ('system', 'bonus', 'UC', -1000::bigint, null::bigint), ('user', null, 'UC', 1000, 1000) $$,
  'the bonus has its counter-entry in the system wallet for bonuses'
);
select is_empty('select * from wallet_verify()', 'the ledger is sound afterwards');

-- who else can be registered
select is((wallet_register('a.b', 'h')).username, 'a.b', 'a name may have 3 characters');
select is((wallet_register(repeat('x', 64), 'h')).username, repeat('x', 64), 'a name may have 64 characters');
select is((wallet_register('0_.-', 'h')).username, '0_.-', 'digits, underscore, dot and hyphen are allowed everywhere');
select is((wallet_register('long-hash', repeat('h', 256))).username, 'long-hash', 'a hash may have 256 characters');
select isnt(wallet_of('a.b'), wallet_of('0_.-'), 'every user has a wallet of their own');

-- who cannot
select is(refused($$ select wallet_register('dora', 'h') $$), 'WA005 username', 'a taken name is refused');
select is(refused($$ select wallet_register('DORA', 'h') $$), 'WA005 username', 'a taken name in other letters is refused');
select is(
  refusal($$ select wallet_register('DORA', 'h') $$) -> 'detail',
  '{"field": "username", "username": "dora"}'::jsonb,
  'WA005 names the taken name as stored'
);
select is(refused($$ select wallet_require_username('DORA') $$), 'WA005 username', 'a taken name is refused before there is a hash');
select is(refused($$ select wallet_require_username('x') $$), 'WA002 username', '... and one that nobody can have');
select is(wallet_require_username('Free.Name'), 'free.name', 'a free one is returned as it will be stored');
select is_empty($$ select from wallet.users where username = 'free.name' $$, 'asking takes no name');

-- what its hash costs
update wallet.users set password_hash = 'another kind of hash';
select is(wallet_highest_cost(), 0, 'hashes of other kinds have no cost');
select is((wallet_register('costly', '$2b$11$' || repeat('h', 53))).username, 'costly', 'a hash of bcrypt');
select is(wallet_highest_cost(), 11, 'the dearest hash of bcrypt is known');

select is(refused('select wallet_register(null, $$h$$)'), 'WA002 username', 'a null name is refused');
select is(refused($$ select wallet_register('', 'h') $$), 'WA002 username', 'an empty name is refused');
select is(refused($$ select wallet_register('ab', 'h') $$), 'WA002 username', 'a name of 2 characters is refused');
select is(refused($$ select wallet_register(repeat('x', 65), 'h') $$), 'WA002 username', 'a name of 65 characters is refused');
select is(refused($$ select wallet_register('do ra', 'h') $$), 'WA002 username', 'a blank in a name is refused');
select is(refused($$ select wallet_register(e'emil\n', 'h') $$), 'WA002 username', 'a line break after a name is refused');
select is(refused($$ select wallet_register('dörte', 'h') $$), 'WA002 username', 'letters beyond a to z are refused');
-- the Kelvin sign is lower-cased to an ordinary k by some rules
select is(refused($$ select wallet_register(u&'\212Aelvin', 'h') $$), 'WA002 username', 'letters that only fold to a to z are refused');
select is(
  refused($$ select wallet_register('0b7a4f2e-1111-4222-8333-444455556666', 'h') $$),
  'WA002 username', 'a name that parses as a UUID is refused'
);
select is(
  refused($$ select wallet_register('0B7A4F2E111142228333444455556666', 'h') $$),
  'WA002 username', 'a name that parses as a UUID without hyphens is refused'
);
select is(refused('select wallet_register($$emil$$, null)'), 'WA002 password_hash', 'a null hash is refused');
select is(refused($$ select wallet_register('emil', '') $$), 'WA002 password_hash', 'an empty hash is refused');
select is(refused($$ select wallet_register('emil', repeat('h', 257)) $$), 'WA002 password_hash', 'a hash of 257 characters is refused');
select is(user_of('emil'), null, 'a refused registration leaves no user');
select is(
  (select count(*)::integer from wallet.users where lower(username) = 'dora'), 1, 'a refused registration changes no other user'
);

-- the bonus is the asset's
update wallet.assets set signup_bonus = 25 where code = 'UC';
select is((wallet_register('fritz', 'h')).balance, 25::bigint, 'the bonus is what the asset says at the time');
update wallet.assets set signup_bonus = 0 where code = 'UC';
select is((wallet_register('greta', 'h')).balance, 0::bigint, 'without a bonus the balance is zero');
select is_empty(
  $$ select from wallet.transactions where wallet_id = wallet_of('greta') $$, 'without a bonus no transaction is recorded'
);
select is((wallet_balance(wallet_of('greta'))).balance, 0::bigint, 'a wallet without entries can be asked for its balance');

-- all or nothing: the bonus fails when everything else is written
update wallet.assets set signup_bonus = 1000 where code = 'UC';
alter table wallet.ledger add constraint nothing_more check (false) not valid;
select throws_ok($$ select wallet_register('hans', 'h') $$, '23514', null, 'a registration whose bonus fails, fails');
select is(user_of('hans'), null, 'it leaves no user');
alter table wallet.ledger drop constraint nothing_more;

-- the service
set local session authorization wallet_api;
select is((wallet_register('ida', 'h')).balance, 1000::bigint, 'the service may register users');
reset session authorization;
select is_empty('select * from wallet_verify()', 'the ledger is sound at the end');

select * from finish();
