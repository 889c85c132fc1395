select plan(33);

select lives_ok(
  $$
    select wallet_spend(wallet_of('alice'), txn(1), 300), wallet_hold(wallet_of('alice'), txn(2), 50);
    select wallet_capture(wallet_of('alice'), txn(3), txn(2)), wallet_transfer(wallet_of('alice'), txn(4), 1, wallet_of('bob'))
  $$,
  'alice spends 300, a capture takes 50, she sends 1'
);
create temp table first as
select * from wallet_refund(wallet_of('alice'), txn(10), txn(1), 100, 'broken', '{"a": 1}', '2020-01-01 00:00+00', user_of('alice'));
select results_eq(
  'select txn_id, wallet_id, type, amount, asset, scale, balance, available, replayed from first',
  $$ values (txn(10), wallet_of('alice'), 'refund', 100::bigint, 'UC', 0::smallint, 749::bigint, 749::bigint, false) $$,
  'it returns the transaction with balance and available after it'
);
select results_eq(
  $$
    select coalesce(w.purpose, 'alice'), l.amount
    from wallet.ledger l
    join wallet.wallets w on w.id = l.wallet_id
    where l.transaction_id = (select id from first)
    order by 2
  $$,
  $$ values ('refund', -100::bigint), ('alice', 100) $$, 'it is a transaction with two entries'
);
select is((wallet_refund(wallet_of('alice'), txn(11), txn(1), 150)).amount, 150::bigint, 'another part');
select is(
  refusal($$ select wallet_refund(wallet_of('alice'), txn(12), txn(1), 51) $$) -> 'detail', '{"field": "amount", "requested": 51, "left": 50, "asset": "UC", "scale": 0}'::jsonb,
  'the parts never sum above the original'
);
select is((wallet_refund(wallet_of('alice'), txn(12), txn(1))).amount, 50::bigint, 'without an amount it gives back all that is left');
select is(refused($$ select wallet_refund(wallet_of('alice'), txn(13), txn(1)) $$), 'WA020 amount', 'then nothing is left');
select is(refused($$ select wallet_refund(wallet_of('alice'), txn(13), txn(1), 1) $$), 'WA020 amount', 'not even 1');
select is((wallet_refund(wallet_of('alice'), txn(13), txn(3), 50)).balance, 999::bigint, 'a capture may be refunded, with a txn_id that was refused');
select is(refused($$ select wallet_refund(wallet_of('alice'), txn(14), txn(3), 1) $$), 'WA020 amount', 'up to what it took');

-- replays
select is(to_jsonb(a) - 'replayed', to_jsonb(f) - 'replayed', 'the same request again returns the first result')
from wallet_refund(wallet_of('alice'), txn(10), txn(1), 100, 'broken', '{"a": 1}', '2020-01-01 00:00+00') a, first f;
select results_eq(
  $$ select amount, replayed from wallet_refund(wallet_of('alice'), txn(12), txn(1)) $$, $$ values (50::bigint, true) $$,
  'no amount equals no amount, though nothing is left'
);
select is(refused($$ select wallet_refund(wallet_of('alice'), txn(12), txn(1), 50) $$), 'WA004 amount', 'but not what it stood for');
select is(refused($$ select wallet_refund(wallet_of('alice'), txn(11), txn(1), 149) $$), 'WA004 amount', 'another amount is refused');
select is(refused($$ select wallet_refund(wallet_of('alice'), txn(11), txn(3), 150) $$), 'WA004 original_txn_id', 'another original is refused');
select is(refused($$ select wallet_refund(wallet_of('alice'), txn(11), txn(1), 150, 'x') $$), 'WA004 reference', 'another reference is refused');
select is(refused($$ select wallet_refund(wallet_of('alice'), txn(1), txn(1), 1) $$), 'WA004 type', 'the txn_id of the original is not free');

-- originals
select is(
  refusal($$ select wallet_refund(wallet_of('alice'), txn(20), txn(4)) $$) -> 'detail', '{"field": "original_txn_id", "type": "transfer"}'::jsonb,
  'a transfer is not refundable'
);
select is(refused($$ select wallet_refund(wallet_of('alice'), txn(20), txn(4)) $$), 'WA021 original_txn_id', 'by its code');
select is(refused($$ select wallet_refund(wallet_of('alice'), txn(20), txn(10)) $$), 'WA021 original_txn_id', 'nor is a refund');
select is(refused($$ select wallet_refund(wallet_of('bob'), txn(20), txn(4)) $$), 'WA028 original_txn_id', 'nor what was received');
select is(refused($$ select wallet_refund(wallet_of('bob'), txn(20), txn(1)) $$), 'WA028 original_txn_id', 'nor another wallet''s spend');
select is(refused($$ select wallet_refund(wallet_of('alice'), txn(20), txn(2)) $$), 'WA028 original_txn_id', 'nor a hold, which took nothing');

-- arguments
select is(refused($$ select wallet_refund(wallet_of('alice'), txn(20), null) $$), 'WA002 original_txn_id', 'a null original is refused');
select is(refused($$ select wallet_refund(wallet_of('alice'), txn(20), txn(1), 0) $$), 'WA002 amount', 'an amount of zero is refused');
select is(
  refused($$ select wallet_refund(wallet_of('alice'), txn(20), txn(1), p_effective_at => 'infinity') $$), 'WA002 effective_at', 'infinity is refused'
);

-- status and maximum
select lives_ok(
  $$
    select wallet_spend(wallet_of('bob'), txn(1), 101), wallet_set_status(wallet_of('bob'), 'frozen', 'a test');
    select wallet_set_limits(wallet_of('bob'), p_max_balance => 950)
  $$, 'bob spends, then his wallet is frozen'
);
select is((wallet_refund(wallet_of('bob'), txn(2), txn(1), 50)).balance, 950::bigint, 'a frozen wallet takes refunds');
select is(refused($$ select wallet_refund(wallet_of('bob'), txn(3), txn(1), 1) $$), 'WA006 amount', 'up to its maximum');
select lives_ok(
  $$
    select wallet_spend(wallet_of('charlie'), txn(1), 1000), wallet_set_status(wallet_of('charlie'), 'closed', 'a test')
  $$, 'charlie''s wallet is closed'
);
select is(refused($$ select wallet_refund(wallet_of('charlie'), txn(2), txn(1), 1) $$), 'WA013 amount', 'a closed wallet takes none');

set local session authorization wallet_api;
select is(
  refused($$ select wallet_refund(wallet_of('alice'), txn(40), txn(1), p_actor => user_of('bob')) $$), 'WA001',
  'a stranger''s wallet is answered as unknown'
);
reset session authorization;
select is_empty('select * from wallet_verify()', 'the ledger is sound at the end');
select * from finish();
