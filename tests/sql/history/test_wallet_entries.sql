select plan(32);

create temp table spent as
select * from wallet_spend(wallet_of('alice'), txn(1), 100, 'order 1', '{"a": 1}');
select is((wallet_topup(wallet_of('alice'), txn(2), 50)).balance, 950::bigint, 'a wallet has three entries');

-- the page
select results_eq(
  $$ select seq, type, amount, balance, reference, metadata from wallet_entries(wallet_of('alice')) $$,
  $$
    values
      (3::bigint, 'topup', 50::bigint, 950::bigint, null::text, null::jsonb),
      (2, 'spend', -100, 900, 'order 1', '{"a": 1}'),
      (1, 'bonus', 1000, 1000, null, null)
  $$,
  'entries come newest first, amounts signed, each with the balance after it'
);
select results_eq(
  $$ select id, txn_id, created_at from wallet_entries(wallet_of('alice')) where seq = 2 $$,
  $$ select id, txn_id, created_at from spent $$,
  'an entry shows its transaction'
);
select results_eq(
  $$ select seq from wallet_entries(wallet_of('bob')) $$, $$ values (1::bigint) $$, 'entries of other wallets are not shown'
);

-- pages
select results_eq($$ select seq from wallet_entries(wallet_of('alice'), 2) $$, $$ values (3::bigint), (2) $$, 'a page has at most p_limit entries');
select results_eq(
  $$ select seq from wallet_entries(wallet_of('alice'), 2, 2) $$, $$ values (1::bigint) $$, 'the next page starts before the last entry'
);
select is_empty($$ select seq from wallet_entries(wallet_of('alice'), 2, 1) $$, 'after the oldest entry comes an empty page');
select is(refused($$ select wallet_entries(wallet_of('alice'), 2, 0) $$), 'WA024 cursor', 'a seq that no entry has is refused as a cursor');
select results_eq(
  $$ select seq from wallet_entries(wallet_of('alice'), 1, 9223372036854775807) $$, $$ values (3::bigint) $$,
  'a seq beyond the newest starts at the newest'
);
select results_eq(
  $$ select seq from wallet_entries(wallet_of('alice'), 1, null) $$, $$ values (3::bigint) $$, 'null asks for the newest page'
);
select lives_ok($$ select wallet_topup(wallet_of('alice'), txn(3), 1) $$, 'another entry arrives');
select results_eq(
  $$ select seq from wallet_entries(wallet_of('alice'), 2, 3) $$, $$ values (2::bigint), (1) $$, 'a page stays as it is while entries arrive'
);
select lives_ok(
  $$ select wallet_topup(wallet_of('alice'), txn(i), 1) from generate_series(4, 1010) i $$, 'many more arrive'
);
select is((select count(*)::integer from wallet_entries(wallet_of('alice'))), 50, 'a page has 50 entries unless told otherwise');
select is((select count(*)::integer from wallet_entries(wallet_of('alice'), 1000)), 1000, 'a page may have 1000 entries');
select results_eq(
  $$ select seq from wallet_entries(wallet_of('alice'), 1000) $$, $$ select i::bigint from generate_series(1011, 12, -1) i $$,
  'no entry is left out, none comes twice'
);

-- filters
select results_eq(
  $$ select seq, txn_id from wallet_entries(wallet_of('alice'), 50, 900, p_type => 'spend') $$, $$ values (2::bigint, txn(1)) $$,
  'a type may be asked for'
);
select results_eq(
  $$ select seq, txn_id from wallet_entries(wallet_of('alice'), 50, 900, p_reference => 'order 1') $$, $$ values (2::bigint, txn(1)) $$,
  'or a reference'
);
select is_empty($$ select seq from wallet_entries(wallet_of('alice'), 50, 900, 'spend', p_reference => 'order') $$, 'exactly as it is');
select results_eq(
  $$ select seq, id, type from wallet_entries(wallet_of('alice'), p_type => 'spend') $$, $$ values (12::bigint, null::bigint, null::text) $$,
  'a page that examined 1,000 entries ends in a row with a seq and nothing else'
);
select results_eq(
  $$ select seq, txn_id from wallet_entries(wallet_of('alice'), 50, 12, 'spend') $$, $$ values (2::bigint, txn(1)) $$, 'from where the next one goes on'
);
select results_eq(
  $$
    select e.seq
    from wallet.transactions f
    join wallet.transactions t on t.wallet_id = f.wallet_id and t.seq = 8
    cross join lateral wallet_entries(f.wallet_id, 50, null, null, f.created_at, t.created_at) e
    where f.wallet_id = wallet_of('alice') and f.seq = 5
  $$,
  $$ values (7::bigint), (6), (5) $$, 'a range is from p_from until before p_to'
);
select is_empty($$ select from wallet_entries(wallet_of('alice'), p_to => '2001-01-01') $$, 'there is nothing before the wallet was');

-- arguments
select is(refused($$ select wallet_entries(wallet_of('alice'), 0) $$), 'WA002 limit', 'a limit of zero is refused');
select is(refused($$ select wallet_entries(wallet_of('alice'), 1001) $$), 'WA002 limit', 'a limit of 1001 is refused');
select is(refused($$ select wallet_entries(wallet_of('alice'), null) $$), 'WA002 limit', 'a null limit is refused');
select is(refused('select wallet_entries(null)'), 'WA002 wallet_id', 'a null wallet is refused');
select is(refused('select wallet_entries(gen_random_uuid())'), 'WA001', 'an unknown wallet is refused');
select is(
  refused($$ select wallet_entries(wallet_of('alice'), p_actor => user_of('bob')) $$), 'WA001', 'a wallet of somebody else is answered as unknown'
);

set local session authorization wallet_api;
select results_eq(
  $$ select seq from wallet_entries(wallet_of('alice'), 1, p_actor => user_of('alice')) $$, $$ values (1011::bigint) $$,
  'the service may ask for a user'
);
select is(refused($$ select wallet_entries(wallet_of('alice')) $$), 'WA002 actor', 'the service must name the user it acts for');
select is(
  refused($$ select wallet_entries(wallet_of('alice'), p_actor => user_of('bob')) $$), 'WA001',
  'the service cannot ask about a wallet of another user'
);
reset session authorization;

select * from finish();
