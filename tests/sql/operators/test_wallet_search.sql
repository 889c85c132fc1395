-- What a search finds, in which order, and that it is on record who was shown.
select plan(31);

select lives_ok(
  $$
    select wallet_set_role('charlie', 'operator'), wallet_register('bobby', 'x'), wallet_register('bob.2', 'x'),
      wallet_register('xbob', 'x'),
      wallet_spend(wallet_of('alice'), txn(1), 30, 'order 17'), wallet_spend(wallet_of('bob'), txn(1), 40),
      wallet_transfer(wallet_of('alice'), txn(2), 50, p_to_username => 'bob', p_reference => 'bobby'),
      wallet_hold(wallet_of('alice'), txn(3), 100, p_reference => 'order 17'),
      wallet_capture(wallet_of('alice'), txn(4), txn(3), 60, p_final => false), wallet_void(wallet_of('alice'), txn(5), txn(3)),
      wallet_hold(wallet_of('bob'), txn(6), 7), let_expire(txn(6)),
      wallet_topup(wallet_of('bob'), txn(7), 5, txn(1)::text)
  $$, 'there is something to find'
);
create function pg_temp.shown(p_query text) returns setof text
language sql
as $$
  select concat_ws(' ', s.kind, s.username, s.type, s.amount, s.status, s.balance) from wallet_search(p_query, tap.user_of('charlie')) s
$$;

-- users
select results_eq($$ select pg_temp.shown('bo') $$, $$ values ('user bob'), ('user bob.2'), ('user bobby') $$, 'names that begin like it, in order');
select results_eq(
  $$ select pg_temp.shown('BOBBY') $$, $$ values ('user bobby') $$, 'case does not matter to a name'
);
select results_eq(
  $$ select s.user_id, s.username, s.role from wallet_search('charlie') s $$, $$ values (user_of('charlie'), 'charlie', 'operator') $$, 'a user has an id, a name and a role'
);
select results_eq($$ select pg_temp.shown(user_of('alice')::text) $$, $$ values ('user alice') $$, 'a user is found by id');
select results_eq($$ select pg_temp.shown(upper(user_of('alice')::text)) $$, $$ values ('user alice') $$, 'in any spelling of it');
select is_empty($$ select pg_temp.shown('%') $$, 'nothing stands for any letter: %');
select is_empty($$ select pg_temp.shown('b_b') $$, 'nor does _');
select is_empty($$ select pg_temp.shown('ob') $$, 'a name is not found by its middle');

-- wallets
select results_eq($$ select pg_temp.shown(wallet_of('alice')::text) $$, $$ values ('wallet alice active 860') $$, 'a wallet is found by id, with its balance');
select is_empty(
  $$ select pg_temp.shown(w.id::text) from wallet.wallets w where w.kind = 'system' $$, 'system wallets are no customer''s'
);

-- transactions and holds
select results_eq(
  $$ select pg_temp.shown(txn(1)::text) $$, $$ values ('transaction bob topup 5'), ('transaction bob spend -40'), ('transaction alice spend -30') $$,
  'a txn_id is found in every wallet, and as a reference; the newest first'
);
select results_eq(
  $$ select pg_temp.shown(txn(2)::text) $$, $$ values ('transaction alice transfer -50'), ('transaction bob transfer 50') $$, 'a transfer is found in both wallets, signed as in each'
);
select results_eq($$ select pg_temp.shown(txn(3)::text) $$, $$ values ('hold alice 100 voided') $$, 'a hold is found by its txn_id');
select results_eq(
  $$ select pg_temp.shown(txn(4)::text) $$, $$ values ('transaction alice capture -60'), ('hold alice 100 voided') $$, 'a capture leads to its transaction and its hold'
);
select results_eq(
  $$ select s.kind, s.txn_id, s.wallet_id, s.reference, s.asset, s.scale from wallet_search(txn(5)::text) s $$,
  $$ values ('hold', txn(3), wallet_of('alice'), 'order 17', 'UC', 0::smallint) $$, 'a void leads to its hold'
);
select results_eq($$ select pg_temp.shown(txn(6)::text) $$, $$ values ('hold bob 7 expired') $$, 'a hold is expired by the clock');
select results_eq(
  $$ select pg_temp.shown('order 17') $$, $$ values ('transaction alice spend -30'), ('hold alice 100 voided') $$, 'transactions and holds are found by reference'
);
select is_empty($$ select pg_temp.shown('order 1') $$, 'a reference is found whole or not at all');
select is_empty($$ select pg_temp.shown('Order 17') $$, 'and as it was written');
select results_eq(
  $$ select pg_temp.shown('bobby') $$,
  $$ values ('user bobby'), ('transaction alice transfer -50'), ('transaction bob transfer 50') $$, 'the exact name comes first'
);
select lives_ok($$ select wallet_topup(wallet_of('bob'), txn(8), 1, 'bob.') $$, 'a reference that begins a name');
select results_eq($$ select pg_temp.shown('bob.') $$, $$ values ('transaction bob topup 1'), ('user bob.2') $$, 'what is named exactly comes before the beginnings');
select is_empty($$ select pg_temp.shown(txn(99)::text) $$, 'what is not there is not found');

-- bounds
select is(
  array(select refused(format('select wallet_search(%L)', q)) from unnest(array['', repeat('x', 257), null]) q (q)),
  array['WA002 query', 'WA002 query', 'WA002 query'], 'a query has 1 to 256 characters'
);
select lives_ok($$ select wallet_register('many' || n, 'x') from generate_series(1, 60) n $$, 'there are many of a name');
select is((select count(*) from wallet_search('many')), 50::bigint, 'at most 50 are found');

-- the record
create temp table newest as select max(id) as id from wallet.operator_actions;
select wallet_search('order 17', user_of('charlie')), wallet_search(txn(2)::text, user_of('charlie')), wallet_search('nobody', user_of('charlie'));
select results_eq(
  $$
    select o.actor, o.action, o.user_id, o.wallet_id, o.detail, count(*)
    from wallet.operator_actions o, newest n
    where o.id > n.id
    group by 1, 2, 3, 4, 5
    order by 6
  $$,
  $$
    values (user_of('charlie'), 'read', user_of('bob'), null::uuid, '{"of": "search"}'::jsonb, 1::bigint),
      (user_of('charlie'), 'read', user_of('alice'), null, '{"of": "search"}', 2)
  $$,
  'each person who was shown is on record, once for each search; the words of the search are not'
);
select is((select count(*) from wallet.operator_actions o where o.actor is null and o.user_id = user_of('many1')), 1::bigint, 'so it is for an administrator');

-- the erased
select lives_ok($$ select wallet_erase_user(user_of('alice'), 'a test') $$, 'a person is erased');
select results_eq(
  $$ select s.kind, s.erased_at is not null from unnest(array['alice', 'erased', txn(1)::text, 'order 17']) q (q), lateral wallet_search(q) s order by 2 $$,
  $$ values ('transaction', false), ('transaction', false), ('transaction', true) $$,
  'an erased user is not found by name, nor by a reference; the money is'
);
select * from finish();
