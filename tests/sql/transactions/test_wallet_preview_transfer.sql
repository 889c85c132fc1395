select plan(24);


-- shown
select results_eq(
  $$ select * from wallet_preview_transfer(wallet_of('alice'), txn(1), 300, null, 'BOB', user_of('alice')) $$,
  $$ values (wallet_of('bob'), 'bob', 700::bigint, 700::bigint, false) $$,
  'it shows the recipient as stored, and the balance after it'
);
select results_eq(
  $$ select * from wallet_preview_transfer(wallet_of('alice'), txn(1), 300, wallet_of('bob'), null, user_of('alice')) $$,
  $$ values (wallet_of('bob'), 'bob', 700::bigint, 700::bigint, false) $$,
  'also of a wallet''s id'
);
select is(balance_of('alice'), 1000::bigint, 'nothing has left the wallet');
select is_empty($$ select from wallet.transactions where txn_id = txn(1) $$, 'and nothing is on record');
select lives_ok($$ select wallet_hold(wallet_of('alice'), txn(2), 100) $$, 'money is set aside');
select is((p).available, 600::bigint, 'it is not available after it, either')
from wallet_preview_transfer(wallet_of('alice'), txn(1), 300, wallet_of('bob'), null, user_of('alice')) p;

-- refused as the transfer is
create temp table cases (number integer, amount bigint, to_wallet_id uuid, to_username text, code text, description text);
insert into cases values
  (1, 1001, null, 'bob', 'WA003 amount', 'more than there is'),
  (2, 901, null, 'bob', 'WA003 amount', 'more than is available'),
  (3, 1, null, 'nobody', 'WA009 to_username', 'an unknown name'),
  (4, 1, gen_random_uuid(), null, 'WA009 to_wallet_id', 'an unknown wallet'),
  (5, 1, null, 'alice', 'WA010 to_username', 'oneself'),
  (6, 1, null, null, 'WA002 to_wallet_id', 'nobody'),
  (7, 1, wallet_of('bob'), 'bob', 'WA002 to_wallet_id', 'a wallet and a name'),
  (8, 0, null, 'bob', 'WA002 amount', 'nothing'),
  (9, null, null, 'bob', 'WA002 amount', 'no amount');
select is(
  refused(format('select wallet_preview_transfer(wallet_of(''alice''), txn(1), %L, %L, %L, user_of(''alice''))', amount, to_wallet_id, to_username)),
  code, description || ' is refused'
)
from cases order by number;
select is(
  refused(format('select wallet_transfer(wallet_of(''alice''), txn(1), %L, %L, %L, p_actor => user_of(''alice''))', amount, to_wallet_id, to_username)),
  code, description || ' is what the transfer refuses'
)
from cases where number in (1, 3, 5) order by number;
select is(
  refused($$ select wallet_preview_transfer(wallet_of('alice'), txn(1), 1, null, 'bob', user_of('bob')) $$), 'WA001',
  'a wallet of somebody else is answered as unknown'
);
set local session authorization wallet_api;
select is(
  refused($$ select wallet_preview_transfer(wallet_of('alice'), txn(1), 1, null, 'bob') $$), 'WA002 actor',
  'the service must name the user it acts for'
);
reset session authorization;
select lives_ok($$ select wallet_set_status(wallet_of('alice'), 'frozen', 'a test') $$, 'the wallet is frozen');
select is(
  refused($$ select wallet_preview_transfer(wallet_of('alice'), txn(1), 1, null, 'bob', user_of('alice')) $$), 'WA012 amount',
  'nothing leaves it'
);

-- on record
select lives_ok($$ select wallet_transfer(wallet_of('bob'), txn(1), 1000, null, 'alice') $$, 'bob sends all');
select results_eq(
  $$ select * from wallet_preview_transfer(wallet_of('bob'), txn(1), 1000, null, 'alice', user_of('bob')) $$,
  $$ values (null::uuid, null::text, null::bigint, null::bigint, true) $$,
  'what is on record is not judged again'
);

select * from finish();
