select plan(78);

-- the answer
create temp table first as
select * from wallet_topup(wallet_of('alice'), txn(1), 500, 'invoice 7', '{"a": 1, "b": [2]}', p_actor => user_of('alice'));
select isnt(id, null, 'it returns the id of the transaction') from first;
select is(txn_id, txn(1), 'it returns the txn_id') from first;
select is(wallet_id, wallet_of('alice'), 'it returns the wallet') from first;
select is(type, 'topup', 'the type is topup') from first;
select is(amount, 500::bigint, 'the amount is positive') from first;
select is(asset, 'UC', 'it returns the asset') from first;
select is(scale, 0::smallint, 'it returns the scale') from first;
select is(balance, 1500::bigint, 'the balance is the one after it') from first;
select is(available, 1500::bigint, 'all of it is available') from first;
select is(replayed, false, 'it is no replay') from first;
select cmp_ok(created_at, '>=', transaction_timestamp(), 'created_at is the time of the call') from first;
select cmp_ok(created_at, '<=', clock_timestamp(), 'created_at is not in the future') from first;

-- what it wrote
select results_eq(
  $$ select seq, wallet_id, txn_id, type::text, amount, created_at from wallet.transactions where id = (select id from first) $$,
  $$ select 2::bigint, wallet_id, txn_id, type, amount, created_at from first $$,
  'the transaction is recorded at the next place of its wallet'
);
select results_eq(
  $$ select seq, amount, balance_after from wallet.ledger where wallet_id = wallet_of('alice') and transaction_id = (select id from first) $$,
  $$ values (2::bigint, 500::bigint, 1500::bigint) $$,
  'one entry credits the wallet'
);
select results_eq(
  $$
    select w.kind, w.purpose, w.asset, l.seq, l.amount, l.balance_after
    from wallet.ledger l
    join wallet.wallets w on w.id = l.wallet_id
    where l.transaction_id = (select id from first) and l.wallet_id <> wallet_of('alice')
  $$,
  $$ select 'system', 'topup', 'UC', id, -500::bigint, null::bigint from first $$,
  'the other debits the system wallet for top-ups'
);
select results_eq(
  $$ select reference, metadata from wallet.transaction_details where transaction_id = (select id from first) $$,
  $$ values ('invoice 7', '{"a": 1, "b": [2]}'::jsonb) $$,
  'reference and metadata are kept apart from the money'
);
select is((wallet_topup(wallet_of('alice'), txn(2), 1)).balance, 1501::bigint, 'reference, metadata and actor may be left out');
select is_empty(
  $$ select from wallet.transaction_details d join wallet.transactions t on t.id = d.transaction_id where t.txn_id = txn(2) $$,
  'without free text none is stored'
);

-- replays
create temp table again as
select * from wallet_topup(wallet_of('alice'), txn(1), 500, 'invoice 7', '{"b": [2], "a": 1}', p_actor => user_of('alice'));
select is(replayed, true, 'the same request again is a replay') from again;
select is(to_jsonb(again) - 'replayed', to_jsonb(first) - 'replayed', 'a replay returns the first result, with the balance of then')
from again, first;
select is(balance_of('alice'), 1501::bigint, 'a replay moves no money');
select is(
  (select count(*)::integer from wallet.transactions where wallet_id = wallet_of('alice')), 3, 'a replay writes no transaction'
);
select is(
  (wallet_topup(wallet_of('alice'), txn(2), 1, null, null, null)).replayed, true, 'no reference equals no reference, no metadata no metadata'
);
select is(
  (wallet_topup(wallet_of('alice'), txn(1), 500, 'invoice 7', '{"a": 1, "b": [2]}')).replayed, true,
  'who calls is no part of the request'
);
select lives_ok($$ select wallet_spend(wallet_of('alice'), txn(3), 1501) $$, 'then everything is spent');
select is(
  (wallet_topup(wallet_of('alice'), txn(1), 500, 'invoice 7', '{"a": 1, "b": [2]}')).balance, 1500::bigint,
  'a replay after everything is spent still returns the first result'
);

-- the same id for something else
create function pg_temp.again(p_amount bigint, p_reference text, p_metadata jsonb) returns text
language sql
as $$
  select refused(format(
    'select wallet_topup(wallet_of(%L), txn(1), %L, %L, %L)', 'alice', p_amount, p_reference, p_metadata
  ))
$$;
select is(pg_temp.again(500, 'invoice 7', '{"a": 1, "b": [2]}'), 'no error', 'the same request is accepted again');
select is(pg_temp.again(501, 'invoice 7', '{"a": 1, "b": [2]}'), 'WA004 amount', 'another amount is refused');
select is(pg_temp.again(500, 'invoice 8', '{"a": 1, "b": [2]}'), 'WA004 reference', 'another reference is refused');
select is(pg_temp.again(500, null, '{"a": 1, "b": [2]}'), 'WA004 reference', 'no reference where there was one is refused');
select is(pg_temp.again(500, 'invoice 7', '{"a": 2, "b": [2]}'), 'WA004 metadata', 'other metadata is refused');
select is(pg_temp.again(500, 'invoice 7', null), 'WA004 metadata', 'no metadata where there was some is refused');
select is(
  refused($$ select wallet_topup(wallet_of('alice'), txn(2), 1, 'a reference') $$), 'WA004 reference',
  'a reference where there was none is refused'
);
select is(
  refused($$ select wallet_topup(wallet_of('alice'), txn(2), 1, null, '{}') $$), 'WA004 metadata',
  'empty metadata is not the same as none'
);
select is(
  refused($$ select wallet_topup(wallet_of('alice'), txn(3), 1501) $$), 'WA004 type', 'the txn_id of a spend is refused'
);
select is(
  refused(format('select wallet_topup(wallet_of(%L), %L, 1000)', 'bob', t.txn_id)), 'WA004 type', 'the txn_id of the bonus is refused'
) from wallet.transactions t where t.wallet_id = wallet_of('bob');
select is(
  refusal($$ select wallet_topup(wallet_of('alice'), txn(1), 499) $$) -> 'detail',
  jsonb_build_object('field', 'amount', 'txn_id', txn(1), 'id', id), 'WA004 names the field, the txn_id and what it stands for'
) from first;
select results_eq(
  $$ select replayed, balance from wallet_topup(wallet_of('bob'), txn(1), 7) $$, $$ values (false, 1007::bigint) $$,
  'a txn_id that another wallet used is free in this one'
);

-- effective_at
select lives_ok($$ select wallet_topup(wallet_of('bob'), txn(90), 1, p_effective_at => '2020-01-01 00:00+00') $$, 'an earlier time may be told');
select is(
  (select effective_at from wallet_transaction(wallet_of('bob'), txn(90))), '2020-01-01 00:00+00'::timestamptz, 'which is kept'
);
select is(
  refused($$ select wallet_topup(wallet_of('bob'), txn(90), 1, p_effective_at => '2020-01-02 00:00+00') $$), 'WA004 effective_at', 'another is another request'
);
select is(
  refused($$ select wallet_topup(wallet_of('bob'), txn(91), 1, p_effective_at => clock_timestamp() + interval '1 hour') $$), 'WA023 effective_at',
  'the future is refused'
);
select lives_ok('select wallet_adjust(wallet_of(''bob''), txn(92), -1, ''back to what it was'')', 'and taken back');

-- arguments
select is(refused('select wallet_topup(null, txn(9), 1)'), 'WA002 wallet_id', 'a null wallet is refused');
select is(refused($$ select wallet_topup(wallet_of('bob'), null, 1) $$), 'WA002 txn_id', 'a null txn_id is refused');
select is(refused($$ select wallet_topup(wallet_of('bob'), txn(9), null) $$), 'WA002 amount', 'a null amount is refused');
select is(refused($$ select wallet_topup(wallet_of('bob'), txn(9), 0) $$), 'WA002 amount', 'an amount of zero is refused');
select is(refused($$ select wallet_topup(wallet_of('bob'), txn(9), -1) $$), 'WA002 amount', 'a negative amount is refused');
select is(
  refused($$ select wallet_topup(wallet_of('bob'), txn(9), 9007199254740992) $$), 'WA002 amount', 'an amount of 2^53 is refused'
);
select is(
  refused($$ select wallet_topup(wallet_of('bob'), txn(9), 9223372036854775807) $$), 'WA002 amount', 'the largest bigint is refused'
);
select is(refused($$ select wallet_topup(wallet_of('bob'), txn(9), 1, '') $$), 'WA002 reference', 'an empty reference is refused');
select is(
  refused($$ select wallet_topup(wallet_of('bob'), txn(9), 1, repeat('ä', 257)) $$), 'WA002 reference',
  'a reference of 257 characters is refused'
);
select is(refused($$ select wallet_topup(wallet_of('bob'), txn(9), 1, null, '[]') $$), 'WA002 metadata', 'an array is no metadata');
select is(refused($$ select wallet_topup(wallet_of('bob'), txn(9), 1, null, '"a"') $$), 'WA002 metadata', 'a string is no metadata');
select is(refused($$ select wallet_topup(wallet_of('bob'), txn(9), 1, null, 'null') $$), 'WA002 metadata', 'a JSON null is no metadata');
select is(
  refused($$ select wallet_topup(wallet_of('bob'), txn(9), 1, null, jsonb_build_object('a', repeat('x', 4088))) $$),
  'WA002 metadata', 'metadata of 4097 bytes is refused'
);
select is(
  refused($$ select wallet_topup(wallet_of('bob'), txn(9), 1, null, jsonb_build_object('a', repeat('ä', 2044))) $$),
  'WA002 metadata', 'the limit of metadata is in bytes, not characters'
);
select ok(
  refusal($$ select wallet_topup(wallet_of('bob'), txn(9), 0) $$) -> 'detail' ?& array['field', 'reason', 'amount'],
  'WA002 says what is wrong with which field'
);
select is(balance_of('bob'), 1007::bigint, 'what was refused moved no money');
select is_empty($$ select from wallet.transactions where txn_id = txn(9) $$, 'what was refused wrote no transaction');
select is((wallet_topup(wallet_of('bob'), txn(9), 3)).replayed, false, 'a txn_id that was refused may succeed later');
select is(
  (wallet_topup(wallet_of('bob'), txn(10), 1, repeat('ä', 256), jsonb_build_object('a', repeat('x', 4087)))).balance, 1011::bigint,
  'a reference of 256 characters and metadata of 4096 bytes are accepted'
);

-- limits
select is((wallet_topup(wallet_of('bob'), txn(11), 4294967297)).balance, 4294968308::bigint, '2^32 + 1 is credited in full');
select is((wallet_topup(wallet_of('bob'), txn(12), 9007194959772683)).balance, 9007199254740991::bigint, 'a balance may be 2^53 - 1');
select is(refused($$ select wallet_topup(wallet_of('bob'), txn(13), 1) $$), 'WA006 amount', 'a balance of 2^53 is refused');
select is(
  refused($$ select wallet_topup(wallet_of('bob'), txn(13), 9007199254740991) $$), 'WA006 amount', 'the largest sum is refused, not wrapped'
);
select is(
  (refusal($$ select wallet_topup(wallet_of('bob'), txn(13), 5) $$) -> 'detail') @> '{"requested": 5, "balance": 9007199254740991, "maximum": 9007199254740991, "asset": "UC", "scale": 0}',
  true, 'WA006 says what was requested, what the balance is and what it may be'
);
select is(
  (wallet_topup(wallet_of('bob'), txn(11), 4294967297)).replayed, true, 'a replay is answered when the balance is full'
);

-- whose wallet
select is(refused('select wallet_topup(gen_random_uuid(), txn(20), 1)'), 'WA001', 'an unknown wallet is refused');
select is(refused(format('select wallet_topup(%L, txn(20), 1)', w.id)), 'WA001', 'a system wallet is no user''s')
from wallet.wallets w where w.asset = 'UC' and w.purpose = 'topup';
select is(
  refused($$ select wallet_topup(wallet_of('alice'), txn(20), 1, p_actor => user_of('bob')) $$), 'WA001',
  'a wallet of somebody else is answered as unknown'
);
select is(
  refused($$ select wallet_topup(wallet_of('alice'), txn(1), 500, 'invoice 7', '{"a": 1, "b": [2]}', p_actor => user_of('bob')) $$), 'WA001',
  'so is a replay for somebody else'
);

-- the service
set local session authorization wallet_api;
select is(
  (wallet_topup(wallet_of('charlie'), txn(21), 1, p_actor => user_of('charlie'))).balance, 1001::bigint, 'the service may top up for a user'
);
select is(
  refused($$ select wallet_topup(wallet_of('charlie'), txn(22), 1) $$), 'WA002 actor', 'the service must name the user it acts for'
);
select is(
  refused($$ select wallet_topup(wallet_of('charlie'), txn(22), 1, p_actor => user_of('bob')) $$), 'WA001',
  'the service cannot act on a wallet of another user'
);
reset session authorization;

-- an administrator who is no superuser, as on a managed server
create role steward in role wallet_owner;
set local session authorization steward;
select is((wallet_topup(wallet_of('charlie'), txn(23), 1)).balance, 1002::bigint, 'an administrator need not name a user');
reset session authorization;

select ok(length(refusal($$ select wallet_topup(wallet_of('alice'), txn(3), 5) $$) ->> 'hint') > 0, 'a refusal has a hint');
select is_empty('select * from wallet_verify()', 'the ledger is sound at the end');
select * from finish();
