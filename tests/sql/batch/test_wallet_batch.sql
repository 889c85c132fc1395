select plan(58);

-- One outcome of each kind, followed by p_plain top-ups of bob: alone, and among many.
create function pg_temp.mixed(p_user text, p_plain integer)
returns table (ordinal integer, outcome text, field text, type text, amount bigint, asset text, balance bigint, replayed boolean, has_hint boolean)
language sql
as $$
  select b.ordinal, b.outcome, b.detail ->> 'field', b.type, b.amount, b.asset, b.balance, b.replayed, b.hint is not null
  from wallet_batch(
    array['spend', 'topup', 'topup', 'topup', 'topup', 'spend', 'topup', 'loan', 'topup', null, 'topup']
      || array_fill('topup'::text, array[p_plain]),
    array_fill(wallet_of(p_user), array[4]) || gen_random_uuid() || array_fill(wallet_of(p_user), array[5]) || null::uuid
      || array_fill(wallet_of('bob'), array[p_plain]),
    array[txn(1), txn(2), txn(2), txn(2), txn(3), txn(4), txn(5), txn(6), null, txn(7), txn(8)]
      || array(select txn(100 + i) from generate_series(1, p_plain) i),
    array[400, 10, 10, 11, 1, 5000, 0, 1, 1, 1, 1] || array_fill(3::bigint, array[p_plain])
  ) b
  where b.ordinal <= 11
$$;

create temp table expected as
select *
from (values
  (1, 'ok', null, 'spend', 400::bigint, 'UC', 600::bigint, false, false),
  (2, 'ok', null, 'topup', 10, 'UC', 610, false, false),
  (3, 'replayed', null, 'topup', 10, 'UC', 610, true, false),
  (4, 'WA004', 'amount', 'topup', 11, null, null, null, true),
  (5, 'WA001', null, 'topup', 1, null, null, null, true),
  (6, 'WA003', 'amount', 'spend', 5000, null, null, null, true),
  (7, 'WA002', 'amount', 'topup', 0, null, null, null, true),
  (8, 'WA002', 'type', 'loan', 1, null, null, null, true),
  (9, 'WA002', 'txn_id', 'topup', 1, null, null, null, true),
  (10, 'WA002', 'type', null, 1, null, null, null, true),
  (11, 'WA002', 'wallet_id', 'topup', 1, null, null, null, true)
) e (ordinal, outcome, field, type, amount, asset, balance, replayed, has_hint);

select lives_ok($$ select wallet_register('few', 'h'), wallet_register('many', 'h') $$, 'two users are new');
select results_eq($$ select * from pg_temp.mixed('few', 0) $$, 'table expected', 'every request of a small batch has an outcome of its own');
select results_eq($$ select * from pg_temp.mixed('many', 40) $$, 'table expected', 'so has every one of a large batch');
select is(balance_of('few'), 610::bigint, 'the accepted ones of a small batch take effect');
select is(balance_of('many'), 610::bigint, 'the accepted ones of a large batch take effect');
select is(balance_of('bob'), 1120::bigint, 'what is refused to one wallet does not stop another');
select is_empty('select * from wallet_verify()', 'the ledger is sound');

-- one request, alone and in a batch
create temp table alone as
select to_jsonb(t) - array['id', 'created_at', 'wallet_id', 'receipt'] as answer
from wallet_topup(wallet_of('alice'), txn(1), 5, 'a reference', '{"a": 1}') t;
create temp table in_batch as
select b.*
from wallet_batch(
  '{topup}', array[wallet_of('charlie')], array[txn(1)], '{5}', '{a reference}', array['{"a": 1}'::jsonb], array[user_of('charlie')]
) b;
select is(to_jsonb(b) - array['id', 'created_at', 'wallet_id', 'ordinal', 'outcome', 'detail', 'hint', 'receipt'], answer, 'its columns are those of the single call')
from in_batch b, alone;
select is(wallet_id, wallet_of('charlie'), 'it returns the wallet') from in_batch;
select is(detail, null, 'an accepted request has no detail') from in_batch;
select results_eq(
  $$ select t.id, t.created_at, d.reference, d.metadata from wallet.transactions t join wallet.transaction_details d on d.transaction_id = t.id where t.wallet_id = wallet_of('charlie') $$,
  $$ select id, created_at, 'a reference', '{"a": 1}'::jsonb from in_batch $$,
  'it is recorded with its free text'
);
create temp table refused_item as
select b.* from wallet_batch('{spend}', array[wallet_of('bob')], array[txn(1)], '{5000}') b;
select results_eq(
  'select outcome, detail, hint from refused_item',
  $$ select r ->> 'code', r -> 'detail', r ->> 'hint' from refusal('select wallet_spend(wallet_of(''bob''), txn(1), 5000)') r $$,
  'a refusal has the code, the detail and the hint of the single call'
);

-- order
select results_eq(
  $$
    select b.ordinal, b.outcome, b.balance
    from wallet_batch(
      '{topup,spend,spend,topup}', array_fill(wallet_of('alice'), array[4]), array[txn(11), txn(12), txn(13), txn(14)], '{500,1505,1,2}'
    ) b
  $$,
  $$ values (1, 'ok', 1505::bigint), (2, 'ok', 0), (3, 'WA003', null), (4, 'ok', 2) $$,
  'requests of one wallet take effect in their order'
);
select is(
  (select array_agg(b.balance order by b.ordinal) from wallet_batch(
    array_fill('topup'::text, array[30]), array_fill(wallet_of('alice'), array[30]),
    array(select txn(i) from generate_series(201, 230) i), array_fill(1::bigint, array[30])
  ) b),
  array(select i::bigint from generate_series(3, 32) i),
  'in a large batch, too'
);

-- by themselves, and with others' requests
create temp table ways (username text, padding integer);
insert into ways values ('by-themselves', 0), ('with-others', 30);
select lives_ok($$ select wallet_register(w.username, 'h') from ways w $$, 'each way has a user');
select lives_ok($$ select wallet_register('dave', 'h') $$, 'and dave');

-- Requests written as 'type txn amount', to the wallet of the user unless another is named before a colon, and what came
-- of them as 'outcome balance'. p_padding top-ups of charlie go with them.
create function pg_temp.outcomes(p_user text, p_padding integer, p_requests text, p_skip_locked boolean default false)
returns text
language sql
as $$
  with requests as (
    select r.place, coalesce(m[1], p_user) as username, m[2] as type, m[3]::integer as txn, m[4]::bigint as amount
    from regexp_split_to_table(p_requests, ', ') with ordinality r (request, place)
    cross join lateral regexp_match(r.request, '^(?:(\w+):)?(\w+) (\d+) (-?\d+)$') m
    union all
    select 100 + n, 'charlie', 'topup', null, 1
    from generate_series(1, p_padding) n
  ),
  arrays as (
    select array_agg(r.type order by r.place) as types, array_agg(coalesce(wallet_of(r.username), gen_random_uuid()) order by r.place) as wallet_ids,
      array_agg(coalesce(txn(r.txn), gen_random_uuid()) order by r.place) as txn_ids, array_agg(r.amount order by r.place) as amounts,
      array_agg('reference ' || r.txn order by r.place) as refs, array_agg(jsonb_build_object('txn', r.txn) order by r.place) as metadata,
      count(*) - p_padding as asked
    from requests r
  )
  select string_agg(concat_ws(' ', b.outcome, b.balance), ', ' order by b.ordinal) filter (where b.ordinal <= a.asked)
  from arrays a
  cross join lateral wallet_batch(
    a.types, a.wallet_ids, a.txn_ids, a.amounts, a.refs, a.metadata, p_skip_locked => p_skip_locked
  ) b
$$;

create function pg_temp.outcomes_are(p_requests text, p_want text, p_description text, p_skip_locked boolean default false)
returns setof text
language sql
as $$
  select "is"(pg_temp.outcomes(w.username, w.padding, p_requests, p_skip_locked), p_want, w.username || ': ' || p_description)
  from ways w
$$;

select pg_temp.outcomes_are('topup 1 500, spend 2 1500', 'ok 1500, ok 0', 'a spend that only an earlier top-up can pay');
select pg_temp.outcomes_are('spend 3 500, topup 4 500', 'WA003, ok 500', 'a later top-up cannot');
select pg_temp.outcomes_are(
  'topup 3 5, spend 3 5, spend 5 505, topup 6 100', 'ok 505, WA004, ok 0, ok 100', 'the txn_id of a refused request is free in the next batch'
);
select pg_temp.outcomes_are('topup 6 100, topup 7 1, topup 6 101', 'replayed 100, ok 101, WA004', 'a txn_id of an earlier batch');
select pg_temp.outcomes_are('topup 8 1, topup 8 1, topup 8 2, spend 8 1', 'ok 102, replayed 102, WA004, WA004', 'a txn_id of the same batch');
select pg_temp.outcomes_are(
  'topup 9 9007199254740889, topup 10 1, spend 11 1, topup 10 1, topup 12 1, topup 13 9007199254740991',
  'ok 9007199254740991, WA006, ok 9007199254740990, ok 9007199254740991, WA006, WA006', 'a balance stops at 2^53 - 1, in order'
);
select pg_temp.outcomes_are(
  'spend 14 9007199254740991, topup 15 9007199254740991, topup 16 9007199254740991, topup 17 9007199254740991',
  'ok 0, ok 9007199254740991, WA006, WA006', 'sums far beyond it are refused, not wrapped'
);
select pg_temp.outcomes_are('topup 18 9223372036854775807, nobody:topup 18 1, spend 18 1', 'WA002, WA001, ok 9007199254740990', 'a refusal stops nobody');
select pg_temp.outcomes_are(
  'spend 19 90, nobody:topup 19 1, gift 20 1, spend 21 -9223372036854775808, topup 22 90', 'ok 9007199254740900, WA001, WA002, WA002, ok 9007199254740990',
  'without waiting for locks the answers are the same, and what does not exist is not busy', p_skip_locked => true
);
select results_eq(
  format($$
    select t.txn_id, t.type::text, t.amount, d.reference, d.metadata
    from wallet.transactions t
    left join wallet.transaction_details d on d.transaction_id = t.id
    where t.wallet_id = wallet_of(%L) and t.type <> 'bonus'
    order by t.seq
  $$, w.username),
  $$
    select txn(v.txn), v.type, v.amount, 'reference ' || v.txn, jsonb_build_object('txn', v.txn)
    from (values
      (1, 'topup', 500::bigint), (2, 'spend', 1500), (4, 'topup', 500), (3, 'topup', 5), (5, 'spend', 505), (6, 'topup', 100), (7, 'topup', 1),
      (8, 'topup', 1), (9, 'topup', 9007199254740889), (11, 'spend', 1), (10, 'topup', 1), (14, 'spend', 9007199254740991),
      (15, 'topup', 9007199254740991), (18, 'spend', 1), (19, 'spend', 90), (22, 'topup', 90)
    ) v (txn, type, amount)
  $$,
  w.username || ': each accepted request is recorded once, with its own free text'
) from ways w;

-- whose wallets they are
select results_eq(
  $$
    select b.outcome, b.balance - balance_of('dave')
    from wallet_batch(
      array_fill('topup'::text, array[3]), array_fill(wallet_of('dave'), array[3]), array[txn(1), txn(2), txn(3)], '{1,2,4}',
      p_actors => array[user_of('dave'), user_of('bob'), user_of('dave')]
    ) b
  $$,
  $$ values ('ok', 1::bigint), ('WA001', null), ('ok', 5) $$,
  'a stranger''s request among the owner''s is refused, and they are not'
);
select results_eq(
  $$
    select b.outcome, b.replayed
    from wallet_batch(
      '{topup,topup}', array[wallet_of('dave'), wallet_of('bob')], array[txn(1), txn(4001)], '{1,1}',
      p_actors => array[user_of('dave'), user_of('bob')]
    ) b
  $$,
  $$ values ('replayed', true), ('ok', false) $$,
  'a replay beside somebody else''s request is none of his'
);

-- the shape
select is_empty($$ select * from wallet_batch('{}', '{}', '{}', '{}') $$, 'no requests have no outcomes');
select is(
  (select count(*)::integer from wallet_batch(
    array_fill('spend'::text, array[1000]), array_fill(wallet_of('bob'), array[1000]),
    array(select txn(i) from generate_series(5001, 6000) i), array_fill(9007199254740991, array[1000])
  ) b where b.outcome = 'WA003'),
  1000, 'a batch may have 1000 requests of the largest amount'
);
select is(
  refused($$
    select wallet_batch(
      array_fill('topup'::text, array[1001]), array_fill(gen_random_uuid(), array[1001]), array_fill(gen_random_uuid(), array[1001]),
      array_fill(1::bigint, array[1001])
    )
  $$),
  'WA002 types', 'a batch of 1001 requests is refused'
);
select is(refused($$ select wallet_batch(null, '{}', '{}', '{}') $$), 'WA002 types', 'null types are refused');
select is(refused($$ select wallet_batch('{topup}', null, array[txn(1)], '{1}') $$), 'WA002 wallet_ids', 'null wallets are refused');
select is(refused($$ select wallet_batch('{topup}', array[txn(1)], null, '{1}') $$), 'WA002 txn_ids', 'null txn_ids are refused');
select is(refused($$ select wallet_batch('{topup}', array[txn(1)], array[txn(1)], null) $$), 'WA002 amounts', 'null amounts are refused');
select is(refused($$ select wallet_batch('{topup}', '{}', array[txn(1)], '{1}') $$), 'WA002 wallet_ids', 'every array has an element for each request');
select is(refused($$ select wallet_batch('{topup}', array[txn(1)], array[txn(1)], '{1,2}') $$), 'WA002 amounts', 'and no more');
select is(refused($$ select wallet_batch('{topup}', array[txn(1)], array[txn(1)], '{1}', '{}') $$), 'WA002 references', 'so have references');
select is(refused($$ select wallet_batch('{topup}', array[txn(1)], array[txn(1)], '{1}', null, '{}') $$), 'WA002 metadata', 'so has metadata');
select is(refused($$ select wallet_batch('{topup}', array[txn(1)], array[txn(1)], '{1}', null, null, '{}') $$), 'WA002 actors', 'so have actors');
select is(
  refused($$ select wallet_batch('[0:0]={topup}', array[txn(1)], array[txn(1)], '{1}') $$), 'WA002 types', 'an array that does not start at 1 is refused'
);
select is(
  refused($$ select wallet_batch('{topup}', array[txn(1)], array[txn(1)], '[5:5]={1}') $$), 'WA002 amounts', 'whichever it is'
);
select is(
  refused($$ select wallet_batch('{{topup}}', array[array[txn(1)]], array[array[txn(1)]], '{{1}}') $$), 'WA002 types', 'a matrix is refused'
);
select is_empty(
  $$ select from wallet.transactions where wallet_id = wallet_of('bob') and txn_id = txn(1) $$, 'what was refused as a whole wrote nothing'
);

-- whose wallets
set local session authorization wallet_api;
select results_eq(
  $$
    select b.outcome, b.detail ->> 'field'
    from wallet_batch(
      '{topup,topup,topup}', array[wallet_of('bob'), wallet_of('bob'), wallet_of('bob')], array[txn(21), txn(22), txn(23)], '{1,1,1}',
      p_actors => array[user_of('bob'), user_of('alice'), null]
    ) b
  $$,
  $$ values ('ok', null), ('WA001', null), ('WA002', 'actor') $$,
  'the service must name the owner for each request'
);
select results_eq(
  $$
    select distinct b.outcome, b.detail ->> 'field'
    from wallet_batch(
      array_fill('topup'::text, array[20]), array_fill(wallet_of('bob'), array[20]), array(select txn(i) from generate_series(31, 50) i),
      array_fill(1::bigint, array[20])
    ) b
  $$,
  $$ values ('WA002', 'actor') $$,
  'without any actors the service is refused all of a large batch'
);
select results_eq(
  $$
    select distinct b.outcome
    from wallet_batch(
      array_fill('topup'::text, array[20]), array_fill(wallet_of('bob'), array[20]), array(select txn(i) from generate_series(31, 50) i),
      array_fill(1::bigint, array[20]), p_actors => array_fill(user_of('alice'), array[20])
    ) b
  $$,
  $$ values ('WA001') $$,
  'and for another user, too'
);
reset session authorization;

select is_empty('select * from wallet_verify()', 'the ledger is sound at the end');
select * from finish();
