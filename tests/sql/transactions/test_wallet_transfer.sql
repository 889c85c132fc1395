select plan(49);

create temp table first as
select * from wallet_transfer(wallet_of('alice'), txn(1), 300, wallet_of('bob'), null, 'rent', '{"a": 1}', '2020-01-01 00:00+00', user_of('alice'));
select results_eq(
  'select txn_id, wallet_id, type, amount, asset, scale, balance, available, replayed from first',
  $$ values (txn(1), wallet_of('alice'), 'transfer', 300::bigint, 'UC', 0::smallint, 700::bigint, 700::bigint, false) $$,
  'it returns the transaction with the sender''s balance after it'
);
select is(balance_of('alice'), 700::bigint, 'the sender has less');
select is(balance_of('bob'), 1300::bigint, 'the recipient has more');
select results_eq(
  $$ select wallet_id, seq, amount, balance_after from wallet.ledger where transaction_id = (select id from first) order by amount $$,
  $$ values (wallet_of('alice'), 2::bigint, -300::bigint, 700::bigint), (wallet_of('bob'), 2, 300, 1300) $$,
  'one transaction has an entry in each wallet, at its next place'
);
select results_eq(
  $$
    select txn_id, type, amount, balance, reference, metadata, counterparty_wallet_id, counterparty_username, effective_at
    from wallet_entries(wallet_of('alice'), 1)
  $$,
  $$
    values (txn(1), 'transfer', -300::bigint, 700::bigint, 'rent', '{"a": 1}'::jsonb, wallet_of('bob'), 'bob', '2020-01-01 00:00+00'::timestamptz)
  $$,
  'the sender''s history shows the recipient'
);
select results_eq(
  $$ select txn_id, type, amount, balance, counterparty_wallet_id, counterparty_username from wallet_entries(wallet_of('bob'), 1) $$,
  $$ values (txn(1), 'transfer', 300::bigint, 1300::bigint, wallet_of('alice'), 'alice') $$,
  'the recipient''s history shows the sender and the sender''s txn_id'
);
select is((wallet_transfer(wallet_of('alice'), txn(2), 1, p_to_username => 'BOB')).balance, 699::bigint, 'the recipient may be named, in any case');
select is(balance_of('bob'), 1301::bigint, 'and receives');
select is((wallet_transfer(wallet_of('bob'), txn(1), 301, wallet_of('alice'))).balance, 1000::bigint, 'it may be sent back, with a txn_id that the sender used');

-- replays
create temp table again as
select * from wallet_transfer(wallet_of('alice'), txn(1), 300, null, 'bob', 'rent', '{"a": 1}', '2020-01-01 00:00+00');
select is(to_jsonb(again) - 'replayed', to_jsonb(first) - 'replayed', 'the same request again returns the first result, the recipient named or not')
from again, first;
select is(replayed, true, 'as a replay') from again;
select is(balance_of('bob'), 1000::bigint, 'which moves no money');
select is(refused($$ select wallet_transfer(wallet_of('alice'), txn(2), 2, wallet_of('bob')) $$), 'WA004 amount', 'another amount is refused');
select is(
  refused($$ select wallet_transfer(wallet_of('alice'), txn(2), 1, wallet_of('charlie')) $$), 'WA004 to_wallet_id', 'another recipient is refused'
);
select is(
  refused($$ select wallet_transfer(wallet_of('alice'), txn(2), 1, wallet_of('bob'), p_reference => 'x') $$), 'WA004 reference',
  'another reference is refused'
);
select is(
  refused($$ select wallet_transfer(wallet_of('alice'), txn(2), 1, wallet_of('bob'), p_metadata => '{}') $$), 'WA004 metadata',
  'other metadata is refused'
);
select is(
  refused($$ select wallet_transfer(wallet_of('alice'), txn(2), 1, wallet_of('bob'), p_effective_at => '2020-01-01') $$), 'WA004 effective_at',
  'another effective_at is refused'
);
select is(refused($$ select wallet_spend(wallet_of('alice'), txn(2), 1) $$), 'WA004 type', 'its txn_id is not free for a spend');

-- recipients
select is(refused($$ select wallet_transfer(wallet_of('alice'), txn(9), 1, gen_random_uuid()) $$), 'WA009 to_wallet_id', 'an unknown wallet is refused');
select is(
  refused($$ select wallet_transfer(wallet_of('alice'), txn(9), 1, wallet.system_wallet_id('UC', 'topup')) $$), 'WA009 to_wallet_id',
  'a system wallet is no recipient'
);
select is(refused($$ select wallet_transfer(wallet_of('alice'), txn(9), 1, p_to_username => 'nobody') $$), 'WA009 to_username', 'an unknown user is refused');
select is(refused($$ select wallet_transfer(wallet_of('alice'), txn(9), 1, wallet_of('alice')) $$), 'WA010 to_wallet_id', 'the same wallet is refused');
select is(refused($$ select wallet_transfer(wallet_of('alice'), txn(9), 1, p_to_username => 'alice') $$), 'WA010 to_username', 'so is oneself by name');
create temp table dollars as select wallet_id from wallet_open(user_of('alice'), 'USD');
grant select on dollars to public;
select is(
  refused($$ select wallet_transfer(wallet_of('bob'), txn(9), 1, (select wallet_id from dollars)) $$), 'WA011 to_wallet_id',
  'a wallet of another asset is refused'
);
select is(
  refused($$ select wallet_transfer((select wallet_id from dollars), txn(9), 1, p_to_username => 'bob') $$), 'WA009 to_username',
  'a user without a wallet of the asset is refused'
);
select is(
  refused($$ select wallet_transfer(wallet_of('alice'), txn(9), 1) $$), 'WA002 to_wallet_id', 'no recipient is refused'
);
select is(
  refused($$ select wallet_transfer(wallet_of('alice'), txn(9), 1, wallet_of('bob'), 'bob') $$), 'WA002 to_wallet_id', 'two recipients are refused'
);

-- arguments
select is(refused($$ select wallet_transfer(wallet_of('alice'), null, 1, wallet_of('bob')) $$), 'WA002 txn_id', 'a null txn_id is refused');
select is(refused($$ select wallet_transfer(null, txn(9), 1, wallet_of('bob')) $$), 'WA002 wallet_id', 'a null wallet is refused');
select is(refused($$ select wallet_transfer(null, txn(9), 1, p_to_username => 'nobody') $$), 'WA002 wallet_id', 'with a name, too');
select is(refused($$ select wallet_transfer(wallet_of('alice'), txn(9), null, wallet_of('bob')) $$), 'WA002 amount', 'a null amount is refused');
select is(refused($$ select wallet_transfer(wallet_of('alice'), txn(9), -1, wallet_of('bob')) $$), 'WA002 amount', 'a negative amount is refused');
select is(
  refused($$ select wallet_transfer(wallet_of('alice'), txn(9), 1, wallet_of('bob'), p_effective_at => clock_timestamp() + interval '1 hour') $$),
  'WA023 effective_at', 'the future is refused'
);
select is(refused($$ select wallet_transfer(gen_random_uuid(), txn(9), 1, wallet_of('bob')) $$), 'WA001', 'an unknown sender is refused');

-- funds, status and limits
select is(refused($$ select wallet_transfer(wallet_of('alice'), txn(9), 1001, wallet_of('bob')) $$), 'WA003 amount', 'more than is available is refused');
select lives_ok($$ select wallet_set_status(wallet_of('bob'), 'frozen', 'a test') $$, 'bob''s wallet is frozen');
select lives_ok($$ select wallet_transfer(wallet_of('alice'), txn(10), 1, wallet_of('bob')) $$, 'a frozen wallet receives');
select is(refused($$ select wallet_transfer(wallet_of('bob'), txn(10), 1, wallet_of('alice')) $$), 'WA012 amount', 'but sends nothing');
select lives_ok(
  $$ select wallet_adjust(wallet_of('charlie'), txn(1), -1000, 'a test'); select wallet_set_status(wallet_of('charlie'), 'closed', 'a test') $$,
  'charlie''s wallet is closed'
);
select is(
  refusal($$ select wallet_transfer(wallet_of('alice'), txn(11), 1, wallet_of('charlie')) $$) -> 'detail',
  jsonb_build_object('field', 'to_wallet_id', 'wallet_id', wallet_of('charlie')), 'a closed wallet receives nothing, and nothing is told of it'
);
select lives_ok($$ select wallet_set_limits(wallet_of('bob'), p_max_balance => 1001) $$, 'bob''s wallet has a maximum');
select is(refused($$ select wallet_transfer(wallet_of('alice'), txn(12), 1, wallet_of('bob')) $$), 'WA006 to_wallet_id', 'which a transfer does not pass');
select lives_ok($$ select wallet_set_limits(wallet_of('alice'), '{transfer}', '{50}', '{null}', '{null}') $$, 'alice has a limit');
select is(refused($$ select wallet_transfer(wallet_of('alice'), txn(12), 51, wallet_of('bob')) $$), 'WA006 to_wallet_id', 'the recipient is judged first');
select lives_ok($$ select wallet_set_limits(wallet_of('bob')) $$, 'bob has none');
select is(
  refusal($$ select wallet_transfer(wallet_of('alice'), txn(12), 51, wallet_of('bob')) $$) -> 'detail',
  jsonb_build_object('field', 'amount', 'wallet_id', wallet_of('alice'), 'kind', 'transfer', 'limit', 'per_transaction', 'maximum', 50, 'left', 50, 'asset', 'UC', 'scale', 0),
  'WA014 names the limit and what is left'
);

-- whose wallet
set local session authorization wallet_api;
select is(
  refusal($$ select wallet_transfer(wallet_of('alice'), txn(20), 1, p_to_username => 'nobody', p_actor => user_of('bob')) $$) ->> 'code',
  refusal($$ select wallet_transfer(gen_random_uuid(), txn(20), 1, p_to_username => 'nobody', p_actor => user_of('bob')) $$) ->> 'code',
  'a stranger''s wallet is answered as an unknown one, whoever shall receive'
);
select is(refused($$ select wallet_transfer(wallet_of('alice'), txn(20), 1, wallet_of('bob')) $$), 'WA002 actor', 'the service must name the user it acts for');
reset session authorization;

select is_empty('select * from wallet_verify()', 'the ledger is sound at the end');
select * from finish();
