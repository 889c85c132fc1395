select plan(18);

create temp table made as
select t.txn_id, t.created_at from generate_series(1, 6) i cross join lateral wallet_topup(wallet_of('alice'), txn(i), i, 'r' || i) t;
create temp table moments as select m.at from (select created_at from made union all select clock_timestamp()) m (at);

select results_eq(
  $$
    select line, seq, txn_id, type, amount, balance, reference
    from wallet_statement(
      wallet_of('alice'), (select created_at from made where txn_id = txn(3)), (select created_at from made where txn_id = txn(5)), user_of('alice')
    )
  $$,
  $$
    values
      ('opening', null::bigint, null::uuid, null, null::bigint, 1003::bigint, null), ('entry', 4, txn(3), 'topup', 3, 1006, 'r3'),
      ('entry', 5, txn(4), 'topup', 4, 1010, 'r4'), ('closing', null, null, null, null, 1010, null)
  $$,
  'it has the opening balance, the entries from p_from until before p_to, oldest first, and the closing balance'
);
select is_empty(
  $$
    select f.at, t.at
    from moments f
    join moments t on t.at >= f.at
    cross join lateral (
      select sum(s.balance) filter (where s.line = 'opening') + coalesce(sum(s.amount), 0) as summed, sum(s.balance) filter (where s.line = 'closing') as closing
      from wallet_statement(wallet_of('alice'), f.at, t.at) s
    ) s
    where s.summed <> s.closing
  $$,
  'whatever the range, opening balance and amounts add up to the closing balance'
);
select is_empty(
  $$
    select at
    from moments m
    where (select balance from wallet_statement(wallet_of('alice'), '2001-01-01', m.at) where line = 'closing')
      <> (select balance from wallet_balance_at(wallet_of('alice'), m.at))
  $$,
  'which is the balance at that moment'
);
select results_eq(
  $$ select line, balance from wallet_statement(wallet_of('alice'), '2001-01-01', '2002-01-01') $$, $$ values ('opening', 0::bigint), ('closing', 0) $$,
  'before the wallet existed it is empty'
);
select results_eq(
  format($$ select line, created_at from wallet_statement(wallet_of('alice'), %1$L, %1$L) $$, at),
  format($$ values ('opening', %1$L::timestamptz), ('closing', %1$L) $$, at), 'a range of no length is empty'
) from moments limit 1;
select lives_ok($$ select wallet_transfer(wallet_of('bob'), txn(1), 9, wallet_of('alice'), p_effective_at => '2020-01-01 00:00+00') $$, 'a transfer arrives');
select results_eq(
  $$ select amount, counterparty_username, effective_at from wallet_statement(wallet_of('alice'), '2001-01-01', clock_timestamp()) where type = 'transfer' $$,
  $$ values (9::bigint, 'bob', '2020-01-01 00:00+00'::timestamptz) $$, 'which is in it by recorded time, with its sender and effective_at'
);
select is((select count(*)::integer from wallet_statement(wallet_of('alice'), '2001-01-01', clock_timestamp())), 10, 'all lines are there');

select is(refused($$ select wallet_statement(wallet_of('alice'), clock_timestamp(), '2001-01-01') $$), 'WA002 from', 'a range that ends before it begins is refused');
select is(refused($$ select wallet_statement(wallet_of('alice'), null, clock_timestamp()) $$), 'WA002 from', 'a null beginning is refused');
select is(refused($$ select wallet_statement(wallet_of('alice'), '2001-01-01', null) $$), 'WA002 to', 'a null end is refused');
select is(refused($$ select wallet_statement(wallet_of('alice'), '-infinity', clock_timestamp()) $$), 'WA002 from', 'infinity is refused');
select is(
  refused($$ select wallet_statement(wallet_of('alice'), '2001-01-01', clock_timestamp() + interval '1 minute') $$), 'WA023 to', 'the future is refused'
);
select is(
  refused($$ select wallet_statement(wallet_of('alice'), clock_timestamp() + interval '1 minute', '2001-01-01') $$), 'WA023 from', 'also as a beginning'
);
select is(refused($$ select wallet_statement(gen_random_uuid(), '2001-01-01', '2001-01-01') $$), 'WA001', 'an unknown wallet is refused');
select is(refused($$ select wallet_statement(null, '2001-01-01', '2001-01-01') $$), 'WA002 wallet_id', 'a null wallet is refused');
set local session authorization wallet_api;
select is(refused($$ select wallet_statement(wallet_of('alice'), '2001-01-01', '2001-01-01') $$), 'WA002 actor', 'the service must name the user it acts for');
select is(
  refused($$ select wallet_statement(wallet_of('alice'), '2001-01-01', '2001-01-01', user_of('bob')) $$), 'WA001', 'a stranger''s wallet is answered as unknown'
);
reset session authorization;
select * from finish();
