select plan(57);

-- the answer
create temp table first as
select * from wallet_spend(wallet_of('alice'), txn(1), 300, 'order 7', '{"a": 1}', p_actor => user_of('alice'));
select isnt(id, null, 'it returns the id of the transaction') from first;
select is(txn_id, txn(1), 'it returns the txn_id') from first;
select is(wallet_id, wallet_of('alice'), 'it returns the wallet') from first;
select is(type, 'spend', 'the type is spend') from first;
select is(amount, 300::bigint, 'the amount is positive') from first;
select is(asset, 'UC', 'it returns the asset') from first;
select is(scale, 0::smallint, 'it returns the scale') from first;
select is(balance, 700::bigint, 'the balance is the one after it') from first;
select is(available, 700::bigint, 'what is left is available') from first;
select is(replayed, false, 'it is no replay') from first;
select cmp_ok(created_at, '>=', transaction_timestamp(), 'created_at is the time of the call') from first;

-- what it wrote
select results_eq(
  $$ select seq, wallet_id, txn_id, type::text, amount, created_at from wallet.transactions where id = (select id from first) $$,
  $$ select 2::bigint, wallet_id, txn_id, type, amount, created_at from first $$,
  'the transaction is recorded at the next place of its wallet'
);
select results_eq(
  $$ select seq, amount, balance_after from wallet.ledger where wallet_id = wallet_of('alice') and transaction_id = (select id from first) $$,
  $$ values (2::bigint, -300::bigint, 700::bigint) $$,
  'one entry debits the wallet'
);
select results_eq(
  $$
    select w.kind, w.purpose, w.asset, l.seq, l.amount, l.balance_after
    from wallet.ledger l
    join wallet.wallets w on w.id = l.wallet_id
    where l.transaction_id = (select id from first) and l.wallet_id <> wallet_of('alice')
  $$,
  $$ select 'system', 'spend', 'UC', id, 300::bigint, null::bigint from first $$,
  'the other credits the system wallet for spending'
);
select results_eq(
  $$ select reference, metadata from wallet.transaction_details where transaction_id = (select id from first) $$,
  $$ values ('order 7', '{"a": 1}'::jsonb) $$,
  'reference and metadata are kept apart from the money'
);

-- funds
select is(refused($$ select wallet_spend(wallet_of('alice'), txn(2), 701) $$), 'WA003 amount', 'more than the balance is refused');
select is(
  refusal($$ select wallet_spend(wallet_of('alice'), txn(2), 701) $$) -> 'detail',
  jsonb_build_object('field', 'amount', 'wallet_id', wallet_of('alice'), 'requested', 701, 'balance', 700, 'available', 700, 'status', 'active', 'asset', 'UC', 'scale', 0),
  'WA003 says what was requested and what is available, in which asset and scale'
);
select is(balance_of('alice'), 700::bigint, 'a refused spend moves no money');
select is_empty($$ select from wallet.transactions where txn_id = txn(2) $$, 'a refused spend writes no transaction');
select is((wallet_spend(wallet_of('alice'), txn(2), 700)).balance, 0::bigint, 'all of the balance may be spent, with the txn_id that was refused');
select is(refused($$ select wallet_spend(wallet_of('alice'), txn(3), 1) $$), 'WA003 amount', 'a balance never falls below zero');
select is(
  refused($$ select wallet_spend(wallet_of('alice'), txn(3), 9007199254740991) $$), 'WA003 amount', 'the largest amount is refused, not wrapped'
);

-- replays
create temp table again as
select * from wallet_spend(wallet_of('alice'), txn(1), 300, 'order 7', '{"a": 1}', p_actor => user_of('alice'));
select is(replayed, true, 'the same request again is a replay, also when the balance is spent') from again;
select is(to_jsonb(again) - 'replayed', to_jsonb(first) - 'replayed', 'a replay returns the first result, with the balance of then')
from again, first;
select is(balance_of('alice'), 0::bigint, 'a replay moves no money');
select is(refused($$ select wallet_spend(wallet_of('alice'), txn(1), 301, 'order 7', '{"a": 1}') $$), 'WA004 amount', 'another amount is refused');
select is(refused($$ select wallet_spend(wallet_of('alice'), txn(1), 300, 'order 8', '{"a": 1}') $$), 'WA004 reference', 'another reference is refused');
select is(refused($$ select wallet_spend(wallet_of('alice'), txn(1), 300, null, '{"a": 1}') $$), 'WA004 reference', 'no reference where there was one is refused');
select is(refused($$ select wallet_spend(wallet_of('alice'), txn(1), 300, 'order 7', '{"a": 2}') $$), 'WA004 metadata', 'other metadata is refused');
select is(refused($$ select wallet_spend(wallet_of('alice'), txn(2), 700, null, '{}') $$), 'WA004 metadata', 'metadata where there was none is refused');
select is((wallet_spend(wallet_of('alice'), txn(2), 700, null, null)).replayed, true, 'nothing equals nothing');
select lives_ok($$ select wallet_topup(wallet_of('alice'), txn(4), 300) $$, 'then a top-up follows');
select is(refused($$ select wallet_spend(wallet_of('alice'), txn(4), 300) $$), 'WA004 type', 'the txn_id of a top-up is refused');
select is((wallet_spend(wallet_of('bob'), txn(1), 1)).replayed, false, 'a txn_id that another wallet used is free in this one');

-- effective_at
select lives_ok($$ select wallet_spend(wallet_of('bob'), txn(90), 1, p_effective_at => '2020-01-01 00:00+00') $$, 'an earlier time may be told');
select is(
  (select effective_at from wallet_transaction(wallet_of('bob'), txn(90))), '2020-01-01 00:00+00'::timestamptz, 'which is kept'
);
select is(
  refused($$ select wallet_spend(wallet_of('bob'), txn(90), 1, p_effective_at => '2020-01-02 00:00+00') $$), 'WA004 effective_at', 'another is another request'
);
select is(
  refused($$ select wallet_spend(wallet_of('bob'), txn(91), 1, p_effective_at => clock_timestamp() + interval '1 hour') $$), 'WA023 effective_at',
  'the future is refused'
);
select lives_ok('select wallet_adjust(wallet_of(''bob''), txn(92), 1, ''back to what it was'')', 'and taken back');

-- arguments
select is(refused('select wallet_spend(null, txn(9), 1)'), 'WA002 wallet_id', 'a null wallet is refused');
select is(refused($$ select wallet_spend(wallet_of('bob'), null, 1) $$), 'WA002 txn_id', 'a null txn_id is refused');
select is(refused($$ select wallet_spend(wallet_of('bob'), txn(9), null) $$), 'WA002 amount', 'a null amount is refused');
select is(refused($$ select wallet_spend(wallet_of('bob'), txn(9), 0) $$), 'WA002 amount', 'an amount of zero is refused');
select is(refused($$ select wallet_spend(wallet_of('bob'), txn(9), -5) $$), 'WA002 amount', 'a negative amount is refused');
select is(refused($$ select wallet_spend(wallet_of('bob'), txn(9), 9007199254740992) $$), 'WA002 amount', 'an amount of 2^53 is refused');
select is(refused($$ select wallet_spend(wallet_of('bob'), txn(9), 1, repeat('x', 257)) $$), 'WA002 reference', 'a reference of 257 characters is refused');
select is(refused($$ select wallet_spend(wallet_of('bob'), txn(9), 1, null, '1') $$), 'WA002 metadata', 'a number is no metadata');

-- limits
select lives_ok($$ select wallet_topup(wallet_of('bob'), txn(10), 9007199254739992) $$, 'a wallet is full');
select is((wallet_spend(wallet_of('bob'), txn(11), 4294967297)).balance, 9007194959773694::bigint, '2^32 + 1 is debited in full');
select is((wallet_spend(wallet_of('bob'), txn(12), 9007194959773694)).balance, 0::bigint, 'so is all the rest');

-- whose wallet
select is(refused('select wallet_spend(gen_random_uuid(), txn(20), 1)'), 'WA001', 'an unknown wallet is refused');
select is(refused(format('select wallet_spend(%L, txn(20), 1)', w.id)), 'WA001', 'a system wallet is no user''s')
from wallet.wallets w where w.asset = 'UC' and w.purpose = 'topup';
select is(
  refused($$ select wallet_spend(wallet_of('charlie'), txn(20), 1, p_actor => user_of('bob')) $$), 'WA001',
  'a wallet of somebody else is answered as unknown'
);

-- the service
set local session authorization wallet_api;
select is((wallet_spend(wallet_of('charlie'), txn(21), 1, p_actor => user_of('charlie'))).balance, 999::bigint, 'the service may spend for a user');
select is(refused($$ select wallet_spend(wallet_of('charlie'), txn(22), 1) $$), 'WA002 actor', 'the service must name the user it acts for');
select is(
  refused($$ select wallet_spend(wallet_of('charlie'), txn(22), 1, p_actor => user_of('bob')) $$), 'WA001',
  'the service cannot act on a wallet of another user'
);
reset session authorization;

select is_empty('select * from wallet_verify()', 'the ledger is sound at the end');
select * from finish();
