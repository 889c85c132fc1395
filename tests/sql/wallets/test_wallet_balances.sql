select plan(10);

select lives_ok($$ select wallet_hold(wallet_of('bob'), txn(1), 10), wallet_spend(wallet_of('alice'), txn(1), 1) $$, 'wallets differ');
select results_eq(
  $$ select * from wallet_balances(array[wallet_of('bob'), wallet_of('alice'), wallet_of('bob')]) $$,
  $$
    values
      (1, wallet_of('bob'), 'UC', 0::smallint, 1000::bigint, 10::bigint, 990::bigint, 'active'),
      (2, wallet_of('alice'), 'UC', 0::smallint, 999, 0, 999, 'active'),
      (3, wallet_of('bob'), 'UC', 0::smallint, 1000, 10, 990, 'active')
  $$,
  'it returns a balance for each wallet, in the order given'
);
select results_eq(
  $$
    select b.ordinal
    from wallet_balances(
      array[gen_random_uuid(), wallet_of('bob'), wallet.system_wallet_id('UC', 'topup'), null, wallet_of('alice')],
      array[user_of('bob'), user_of('alice'), user_of('bob'), user_of('bob'), user_of('alice')]
    ) b
  $$,
  $$ values (5) $$, 'none for what is unknown, or not the actor''s'
);
select is_empty($$ select from wallet_balances('{}') $$, 'no wallets have no balances');
select is(refused('select wallet_balances(null)'), 'WA002 wallet_ids', 'null wallets are refused');
select is(
  refused($$ select wallet_balances(array_fill(wallet_of('bob'), array[1001])) $$), 'WA002 wallet_ids', 'more than 1000 wallets are refused'
);
select is(refused($$ select wallet_balances(array[wallet_of('bob')], '{}') $$), 'WA002 wallet_ids', 'as many actors as wallets, or none');
set local session authorization wallet_api;
select is(refused($$ select wallet_balances(array[wallet_of('bob')]) $$), 'WA002 actors', 'the service must name the users it acts for');
select is(
  refused($$ select wallet_balances(array[wallet_of('bob'), wallet_of('bob')], array[user_of('bob'), null]) $$), 'WA002 actors', 'for every wallet'
);
select is((wallet_balances(array[wallet_of('bob')], array[user_of('bob')])).available, 990::bigint, 'then it may ask');
reset session authorization;
select * from finish();
