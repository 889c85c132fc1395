-- Another operator confirms: the request takes effect once, in the name of whoever asked.
select plan(47);

select lives_ok(
  $$ select wallet_set_role(u, 'operator') from unnest('{bob,charlie}'::text[]) u; select wallet_register('dora', 'hash'), wallet_set_role('dora', 'operator');
    select wallet_spend(wallet_of('alice'), txn(1), 400) $$,
  'alice has spent 400 of 1000; there are three operators'
);
create function proposed(p_txn_id uuid, p_amount bigint, p_original uuid default null, p_wallet text default 'alice', p_actor uuid default user_of('bob')) returns bigint
language sql as $$
  select c.id
  from wallet_propose(
    case when p_original is null then 'adjustment' else 'refund' end, wallet_of(p_wallet), p_txn_id, p_original, p_amount,
    case when p_original is null then 'a mistake' end, '{"case": 7}', '2020-01-01', 0, p_actor
  ) c
$$;
create function waiting(p_txn_id uuid) returns bigint
language sql security definer as $$ select c.id from wallet.confirmations c where c.txn_id = p_txn_id $$;
select isnt(proposed(txn(10), -100), null, 'bob asks for an adjustment');
select isnt(proposed(txn(11), null, txn(1)), null, 'and for a refund');

-- who
set local session authorization wallet_api;
select is(refused($$ select wallet_confirm(waiting(txn(10)), user_of('alice')) $$), 'WA027', 'it is for operators');
select is(refused($$ select wallet_confirm(waiting(txn(10))) $$), 'WA002 actor', 'the service says for whom');
select is(refused($$ select wallet_confirm(waiting(txn(10)), user_of('bob')) $$), 'WA038', 'nobody confirms what they asked for');
select is(refused($$ select wallet_confirm(0, user_of('charlie')) $$), 'WA039', 'there must be a request');
select is(refused($$ select wallet_confirm(null, user_of('charlie')) $$), 'WA002 id', 'with an id');
reset session authorization;
select is(balance_of('alice'), 600::bigint, 'nothing has moved');

-- once
set local session authorization wallet_api;
create temp table first as select * from wallet_confirm(waiting(txn(10)), user_of('charlie'));
grant select on first to public;
select results_eq(
  'select txn_id, wallet_id, type, amount, balance, replayed from first',
  $$ values (txn(10), wallet_of('alice'), 'adjustment', -100::bigint, 500::bigint, false) $$, 'another operator confirms it: it takes effect'
);
select results_eq(
  $$ select * from wallet_confirm(waiting(txn(10)), user_of('charlie')) $$,
  'select id, txn_id, wallet_id, type, amount, asset, scale, balance, available, true, created_at, receipt from first', 'again, it is the first result'
);
select is((wallet_confirm(waiting(txn(10)), user_of('dora'))).replayed, true, 'whoever confirms it again');
select is(refused($$ select wallet_confirm(waiting(txn(10)), user_of('bob')) $$), 'WA038', 'but who asked');
select is((wallet_adjust(wallet_of('alice'), txn(10), -100, 'a mistake', '{"case": 7}', '2020-01-01', user_of('bob'))).replayed, true, 'who asked gets the result by asking again');
select results_eq(
  $$ select amount, balance from wallet_confirm(waiting(txn(11)), user_of('charlie')) $$, $$ values (400::bigint, 900::bigint) $$, 'a refund gives back all that is left'
);
reset session authorization;
select is(balance_of('alice'), 900::bigint, 'the balance has both, once');
select results_eq(
  $$ select e.reference, e.metadata, e.effective_at from wallet_transaction(wallet_of('alice'), txn(10)) e $$,
  $$ values ('a mistake', '{"case": 7}'::jsonb, '2020-01-01'::timestamptz) $$, 'the transaction has what was asked for'
);
select results_eq(
  $$ select c.status, c.decided_by, c.decided_at >= c.created_at, t.txn_id from wallet.confirmations c join wallet.transactions t on t.id = c.transaction_id order by c.id $$,
  $$ values ('confirmed', user_of('charlie'), true, txn(10)), ('confirmed', user_of('charlie'), true, txn(11)) $$, 'the confirmation has who confirmed it, and the transaction'
);
select results_eq(
  $$ select a.actor, a.action, a.detail ->> 'transaction_id' from wallet.operator_actions a where a.wallet_id = wallet_of('alice') and a.action <> 'propose' order by a.id $$,
  $$ select v.actor, v.action, t.id::text from (values (1, user_of('bob'), 'adjustment', 10), (2, user_of('charlie'), 'confirm', 10), (3, user_of('bob'), 'refund', 11), (4, user_of('charlie'), 'confirm', 11)) v (n, actor, action, txn)
    join wallet.transactions t on t.txn_id = txn(v.txn) order by v.n $$,
  'on record is who asked for it, and who confirmed it'
);
select is(refused($$ select wallet_reject(waiting(txn(10)), 'too late', user_of('charlie')) $$), 'WA040', 'what was confirmed cannot be rejected');

-- a refusal by the wallet leaves it waiting
select isnt(proposed(txn(20), -901), null, 'bob asks for more than there is');
select is(refused($$ select wallet_confirm(waiting(txn(20)), user_of('charlie')) $$), 'WA003 amount', 'the wallet refuses it');
select results_eq(
  $$ select status, decided_by, transaction_id from wallet.confirmations where txn_id = txn(20) $$, $$ values ('waiting', null::uuid, null::bigint) $$, 'it goes on waiting'
);
select lives_ok($$ select wallet_topup(wallet_of('alice'), txn(2), 1) $$, 'alice gets more');
select is((wallet_confirm(waiting(txn(20)), user_of('charlie'))).balance, 0::bigint, 'now it can be confirmed');
select isnt(proposed(txn(21), -5), null, 'another request');
select lives_ok($$ select wallet_topup(wallet_of('alice'), txn(21), 70) $$, 'alice uses its txn_id meanwhile');
select is(refused($$ select wallet_confirm(waiting(txn(21)), user_of('charlie')) $$), 'WA004 type', 'then it is another request');
select is((select status from wallet_reject(waiting(txn(21)), 'the id is taken', user_of('charlie'))), 'rejected', 'which can only be rejected');
select lives_ok($$ select wallet_spend(wallet_of('alice'), txn(3), 60) $$, 'alice spends');
select isnt(proposed(txn(23), 60, txn(3)), null, 'bob asks for its refund');
select lives_ok($$ select wallet_refund(wallet_of('alice'), txn(24), txn(3), 1) $$, 'alice gets a part back herself');
select is(refused($$ select wallet_confirm(waiting(txn(23)), user_of('charlie')) $$), 'WA020 amount', 'what is left then counts');

-- roles of the moment
select isnt(proposed(txn(30), 50), null, 'bob asks');
select lives_ok($$ select wallet_set_role('bob', 'user') $$, 'and is no operator any more');
select is(
  refusal($$ select wallet_confirm(waiting(txn(30)), user_of('charlie')) $$) - '{message,hint}'::text[],
  jsonb_build_object('code', 'WA027', 'detail', jsonb_build_object('actor', user_of('bob'))), 'then it cannot be confirmed: bob is at fault'
);
select is((wallet_confirm(waiting(txn(10)), user_of('charlie'))).replayed, true, 'what was confirmed before still answers');
select lives_ok($$ select wallet_set_role('bob', 'operator'), wallet_set_role('charlie', 'user') $$, 'bob is one again, charlie is none');
select is((wallet_confirm(waiting(txn(10)), user_of('charlie'))).replayed, true, 'charlie gets the result of what charlie confirmed');
select is(refused($$ select wallet_confirm(waiting(txn(30)), user_of('charlie')) $$), 'WA027', 'and confirms nothing any more');
select isnt(proposed(txn(31), 50, p_wallet => 'dora'), null, 'bob asks for something of dora''s');
select is(refused($$ select wallet_confirm(waiting(txn(31)), user_of('dora')) $$), 'WA038', 'who does not confirm what is hers');
select is((wallet_confirm(waiting(txn(31)))).balance, 1050::bigint, 'an administrator does');

-- erasure
select lives_ok($$ select wallet_erase_user(user_of('alice'), 'her wish', user_of('dora')) $$, 'alice is erased while a request waits');
select results_eq(
  $$ select reference, metadata, effective_at, reason from wallet.confirmations where transaction_id is null order by txn_id $$,
  $$ values ('erased', null::jsonb, null::timestamptz, null), (null, null, null, null), ('erased', null, null, null) $$, 'its text is gone'
);
select is((wallet_confirm(waiting(txn(30)), user_of('dora'))).amount, 50::bigint, 'the money still moves');
select is_empty('select * from wallet_verify()', 'the ledger verifies');
select * from finish();
