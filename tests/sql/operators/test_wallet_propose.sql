-- What an operator asks for above an amount waits: which requests do, who may ask, and what a second asking gets.
select plan(51);

select lives_ok(
  $$ select wallet_set_role('bob', 'operator'), wallet_set_role('charlie', 'operator'), wallet_spend(wallet_of('alice'), txn(1), 400),
    wallet_hold(wallet_of('alice'), txn(2), 10) $$,
  'alice has spent, bob and charlie are operators'
);
create function adjustment(
  p_txn_id uuid, p_amount bigint, p_four_eyes bigint default 100, p_actor uuid default user_of('bob'), p_reference text default 'a mistake',
  p_metadata jsonb default null, p_effective_at timestamptz default null, p_wallet_id uuid default wallet_of('alice')
) returns setof wallet.described_confirmation
language sql as $$ select * from wallet_propose('adjustment', p_wallet_id, p_txn_id, null, p_amount, p_reference, p_metadata, p_effective_at, p_four_eyes, p_actor) $$;
create function refund(
  p_txn_id uuid, p_amount bigint, p_four_eyes bigint default 100, p_original uuid default txn(1), p_actor uuid default user_of('bob')
) returns setof wallet.described_confirmation
language sql as $$ select * from wallet_propose('refund', wallet_of('alice'), p_txn_id, p_original, p_amount, null, null, null, p_four_eyes, p_actor) $$;
create temp table before as select count(*) from wallet.transactions;
create temp table asked (like wallet.confirmations including generated);
grant all on before, asked to public;

-- which requests wait
set local session authorization wallet_api;
select is_empty($$ select adjustment(txn(10), 100) $$, 'an adjustment of the amount itself goes on');
select is_empty($$ select adjustment(txn(10), -100) $$, 'down, too');
select is(
  (select jsonb_build_object(
    'type', c.type, 'wallet', c.wallet_id, 'txn', c.txn_id, 'original', c.original_txn_id, 'amount', c.amount, 'expected', c.expected, 'asset', c.asset,
    'scale', c.scale, 'username', c.username, 'asked by', c.actor_username, 'reference', c.reference, 'metadata', c.metadata, 'at', c.effective_at = '2020-01-01', 'actor', c.actor, 'status', c.status,
    'decided', num_nonnulls(c.decided_by, c.decided_at, c.reason, c.transaction_id))
    from adjustment(txn(11), -101, p_metadata => '{"case": 7}', p_effective_at => '2020-01-01') c),
  jsonb_build_object(
    'type', 'adjustment', 'wallet', wallet_of('alice'), 'txn', txn(11), 'original', null, 'amount', -101, 'expected', 101, 'asset', 'UC', 'scale', 0,
    'username', 'alice', 'asked by', 'bob', 'reference', 'a mistake', 'metadata', '{"case": 7}'::jsonb, 'at', true, 'actor', user_of('bob'), 'status', 'waiting', 'decided', 0),
  'one above it waits, as it was sent'
);
select isnt_empty($$ select adjustment(txn(12), 101) $$, 'up, too');
select isnt_empty($$ select adjustment(txn(13), 1, 0) $$, 'where the amount is 0, every one waits');
select isnt_empty($$ select adjustment(txn(14), -9007199254740991, 9007199254740990) $$, 'the largest one');
select is_empty($$ select adjustment(txn(15), -9007199254740991, 9007199254740991) $$, 'nothing is above the largest amount');
select is_empty($$ select refund(txn(20), 100) $$, 'a refund of the amount itself goes on');
select is((select array[c.amount, c.expected] from refund(txn(20), 101) c), array[101, 101]::bigint[], 'one above it waits');
select is((select array[c.amount, c.expected] from refund(txn(21), null) c), array[null, 400]::bigint[], 'one without an amount is worth what is left');
select is_empty($$ select refund(txn(22), null, 400) $$, 'and goes on where that is not above it');
reset session authorization;
select lives_ok($$ select wallet_give_back(wallet_of('alice'), txn(23), txn(1), 350) $$, 'a part is refunded');
select is_empty($$ select refund(txn(22), null) $$, 'what is left counts, and not what the original took');
select is(refused($$ select refund(txn(22), 51, 0) $$), 'WA020 amount', 'more than is left is refused at once');
create function refusal_of(p_call text) returns jsonb language plpgsql as $$
declare
  v_detail text;
begin
  execute p_call;
exception when others then
  get stacked diagnostics v_detail = pg_exception_detail;
  return v_detail;
end $$;
select is(
  refusal_of($$ select refund(txn(22), 51, 0) $$),
  '{"field": "amount", "requested": 51, "left": 50, "asset": "UC", "scale": 0}', 'in minor units of which asset, it says'
);
select is(refused($$ select refund(txn(22), null, p_original => txn(99)) $$), 'WA028 original_txn_id', 'so is an unknown original: it might come, and be worth any amount');
select is(refused($$ select refund(txn(22), null, p_original => txn(23)) $$), 'WA021 original_txn_id', 'and what is no spend');
select is((select count(*) from wallet.transactions), (select count + 1 from before), 'but for that part nothing moved');
select is((select available from wallet_balance(wallet_of('alice'))), 940::bigint, 'and nothing was set aside');
select results_eq(
  $$ select a.actor, a.user_id, a.wallet_id, a.detail from wallet.operator_actions a where a.action = 'propose' order by a.id $$,
  $$ select c.actor, user_of('alice'), c.wallet_id,
    jsonb_build_object('confirmation_id', c.id, 'type', c.type, 'amount', coalesce(c.amount, c.expected), 'asset', 'UC', 'scale', 0)
    from wallet.confirmations c order by c.id $$,
  'who asked is on record, and for what'
);

-- the same again
create temp table known as select * from wallet.confirmations;
select is(
  (select c.id from adjustment(txn(11), -101, p_metadata => '{"case": 7}', p_effective_at => '2020-01-01') c),
  (select id from wallet.confirmations where txn_id = txn(11)), 'the same request again gets the same confirmation'
);
select is(
  (select c.id from adjustment(txn(12), 101, 1000) c), (select id from wallet.confirmations where txn_id = txn(12)), 'also when it would not wait any more'
);
select is(
  (select c.actor from adjustment(txn(12), 101, p_actor => user_of('charlie')) c), user_of('bob'), 'also when another operator sends it: it stays the first one''s'
);
select is(refused($$ select adjustment(txn(12), 102) $$), 'WA004 amount', 'another amount is another request');
select is(refused($$ select adjustment(txn(12), 5) $$), 'WA004 amount', 'however small');
select is(refused($$ select adjustment(txn(12), -101) $$), 'WA004 amount', 'so is the opposite');
select is(refused($$ select adjustment(txn(12), 101, p_reference => 'x') $$), 'WA004 reference', 'so is another reason');
select is(refused($$ select adjustment(txn(12), 101, p_metadata => '{}') $$), 'WA004 metadata', 'or metadata');
select is(refused($$ select adjustment(txn(12), 101, p_effective_at => '2020-01-01') $$), 'WA004 effective_at', 'or time');
select is(refused($$ select refund(txn(12), 101) $$), 'WA004 type', 'or type');
select lives_ok($$ select wallet_spend(wallet_of('alice'), txn(3), 50) $$, 'another spend');
select is(refused($$ select refund(txn(20), 101, p_original => txn(3)) $$), 'WA004 original_txn_id', 'or original');
select is_empty('select * from wallet.confirmations except select * from known', 'and none is written');
select lives_ok(
  $$ select wallet_reject((select id from wallet.confirmations where txn_id = txn(13)), 'no', user_of('charlie')) $$, 'one is rejected'
);
select is(refused($$ select adjustment(txn(13), 1, 0) $$), 'WA040', 'and its request is refused from then on');
select is(refused($$ select adjustment(txn(13), 2, 0) $$), 'WA004 amount', 'another one with its txn_id as before');
select is_empty($$ select adjustment(txn(1), 500) $$, 'a txn_id on record is left to the call');
select is_empty($$ select adjustment(txn(2), 500) $$, 'that of a hold too');

-- who and what
set local session authorization wallet_api;
select is(refused($$ select adjustment(txn(90), 500, p_actor => user_of('alice')) $$), 'WA027', 'it is for operators');
select is(refused($$ select adjustment(txn(90), 500, p_actor => null) $$), 'WA002 actor', 'the service says for whom');
reset session authorization;
select is(refused($$ select adjustment(txn(90), 500, p_actor => null) $$), 'WA002 actor', 'so do administrators: there must be one who asks');
select is(refused($$ select adjustment(txn(90), 500, p_actor => user_of('bob'), p_wallet_id => wallet_of('bob')) $$), 'WA038', 'nobody asks for themselves');
select is(refused($$ select adjustment(txn(90), 500, p_wallet_id => gen_random_uuid()) $$), 'WA001', 'an unknown wallet is refused');
select is(
  array(
    select refused(format($$ select adjustment(txn(90), %s, %s) $$, a, f))
    from (values ('0', '0'), ('null', '0'), ('-9007199254740992', '0'), ('''-9223372036854775808''', '0'), ('9007199254740992', '0'), ('500', '-1'), ('500', 'null')) v (a, f)
  ),
  array['WA002 amount', 'WA002 amount', 'WA002 amount', 'WA002 amount', 'WA002 amount', 'WA002 four_eyes', 'WA002 four_eyes'], 'amounts have a range'
);
select is(
  array[refused($$ select refund(txn(90), 0) $$), refused($$ select refund(txn(90), -101) $$), refused($$ select refund(txn(90), 101, p_original => null) $$)],
  array['WA002 amount', 'WA002 amount', 'WA002 original_txn_id'], 'refunds too'
);
select is(
  array[refused($$ select adjustment(txn(90), 500, p_reference => null) $$), refused($$ select adjustment(null, 500) $$),
    refused($$ select adjustment(txn(90), 500, p_metadata => '[]') $$), refused($$ select wallet_propose('topup', wallet_of('alice'), txn(90), null, 500, null, null, null, 0, user_of('bob')) $$)],
  array['WA002 reference', 'WA002 txn_id', 'WA002 metadata', 'WA002 type'], 'the form is that of the request'
);
select is(refused($$ select adjustment(txn(90), 500, p_effective_at => clock_timestamp() + interval '1 hour') $$), 'WA023 effective_at', 'the future is refused');
select is_empty($$ select from wallet.confirmations where txn_id = txn(90) $$, 'and nothing is written');

-- of the erased nothing is stored in the clear
select lives_ok($$ select wallet_erase_user(user_of('alice'), 'her wish') $$, 'alice is erased');
select results_eq(
  format($$ select c.reference, c.metadata, c.effective_at from adjustment(txn(91), 500, p_reference => 'a secret', p_metadata => '{"a": 1}', p_effective_at => '2020-01-01', p_wallet_id => %L) c $$,
    (select c.wallet_id from wallet.confirmations c limit 1)),
  $$ values ('erased', null::jsonb, null::timestamptz) $$, 'what arrives later has no text'
);
select * from finish();
