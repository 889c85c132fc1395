-- Keys in batches and in reads of many balances: each item is judged as the single call.
select plan(22);

select lives_ok(
  $$
    select wallet_set_role('bob', 'operator');
    select wallet_register('dora', 'hash');
    select wallet_create_key(txn(900), 'a shop', sha256('900'), 'pgw_00000900', '{topup,spend,hold,refund,transfer,read}', array[user_of('alice'), user_of('dora')]);
    select wallet_create_key(txn(901), 'tops up', sha256('901'), 'pgw_00000901', '{topup}', p_all_users => true);
  $$, 'there are two keys'
);
create temp table who as select user_of('alice') as alice, user_of('bob') as bob, user_of('charlie') as charlie, user_of('dora') as dora, wallet_of('alice') as wallet, wallet_of('dora') as other, wallet_of('charlie') as stranger;
grant select on who to public;
-- p_items topups, of which every third is alice's by the first key, dora's by the second, charlie's by the first
create function pg_temp.many(p_items integer, p_from integer, p_skip boolean default false) returns table (ordinal integer, outcome text, detail jsonb, replayed boolean)
language sql as $$
  select b.ordinal, b.outcome, b.detail, b.replayed
  from who w
  cross join lateral (
    select array_agg('topup'::text order by n) as types, array_agg((array[w.wallet, w.other, w.stranger])[1 + n % 3] order by n) as wallets,
      array_agg(txn(p_from + n) order by n) as txn_ids, array_agg(1::bigint order by n) as amounts,
      array_agg((array[w.alice, w.dora, w.charlie])[1 + n % 3] order by n) as actors, array_agg((array[txn(900), txn(901), txn(900)])[1 + n % 3] order by n) as keys
    from generate_series(0, p_items - 1) n
  ) i
  cross join lateral wallet_batch(i.types, i.wallets, i.txn_ids, i.amounts, null, null, i.actors, p_skip, p_key_ids => i.keys) b
$$;
create function pg_temp.uses(p_from integer) returns table (txn_id uuid, key_id uuid)
language sql as $$
  select t.txn_id, u.key_id from wallet.key_uses u join wallet.transactions t on t.id = u.id where t.txn_id >= txn(p_from) and t.txn_id < txn(p_from + 100) order by t.txn_id
$$;

set local session authorization wallet_api;
select results_eq(
  format('select outcome, detail from pg_temp.many(%s, %s, %L)', c.items, c.first, c.skip),
  format(
    $$ select (array['ok', 'ok', 'WA047'])[1 + n %% 3], case n %% 3 when 2 then jsonb_build_object('key_id', txn(900), 'reason', 'subject', 'scope', 'topup') end from generate_series(0, %s - 1) n $$,
    c.items
  ), format('of %s items those that the keys may do are done', c.items)
)
from (values (3, 100, false), (30, 200, false), (30, 300, true)) c (items, first, skip);
reset session authorization;
select results_eq(
  format('select * from pg_temp.uses(%s)', c.first),
  format('select txn(%s + n), txn(900 + n %% 3) from generate_series(0, %s) n where n %% 3 <> 2', c.first, c.items - 1), format('and each has its key on record, of %s', c.items)
)
from (values (3, 100), (30, 200), (30, 300)) c (items, first);
select is_empty($$ select from wallet.transactions t where t.wallet_id = (select stranger from who) and t.txn_id >= txn(100) and t.txn_id < txn(1000) $$, 'what was refused is not written');
set local session authorization wallet_api;
select results_eq(
  $$ select distinct m.outcome, m.replayed from pg_temp.many(30, 200) m order by m.replayed $$, $$ values ('replayed', true), ('WA047', null) $$, 'the same again is answered again, and refused again'
);
reset session authorization;
select is((select count(*) from wallet.key_uses), 42::bigint, 'without a use more');

-- all types; with keys and without
create function pg_temp.outcomes(p_keys text) returns text[]
language sql as $$
  select array_agg(concat_ws(' ', b.outcome, b.detail ->> 'reason', b.detail ->> 'scope') order by b.ordinal)
  from who w
  cross join lateral wallet_batch(
    '{topup,spend,transfer,hold,capture,void,refund,adjustment}', array_fill(w.wallet, array[8]), array(select txn(500 + n) from generate_series(1, 8) n),
    '{1,2,1,5,2,null,1,1}', p_actors => array_fill(w.alice, array[8]), p_to_wallet_ids => array[null, null, w.other, null, null, null, null, null],
    p_original_txn_ids => array[null, null, null, null, txn(504), txn(504), txn(502), null], p_finals => '{null,null,null,null,false,null,null,null}', p_key_ids => p_keys::uuid[]
  ) b
$$;
set local session authorization wallet_api;
select is(
  pg_temp.outcomes(array_fill(txn(901), array[8])::text),
  '{ok,"WA047 scope spend","WA047 scope transfer","WA047 scope hold","WA047 scope hold","WA047 scope hold","WA047 scope refund","WA047 scope adjustment"}'::text[],
  'a key for top-ups does nothing else'
);
select is(
  pg_temp.outcomes(array_fill(txn(900), array[8])::text), '{replayed,ok,ok,ok,ok,ok,ok,"WA047 scope adjustment"}'::text[], 'one of all scopes does all that users do'
);
select is(
  (pg_temp.outcomes('{NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL}'))[1:7], array_fill('replayed'::text, array[7]), 'no key is none'
);
select is(
  (pg_temp.outcomes(array_fill(txn(999), array[8])::text))[1:2], '{"WA047 unknown topup","WA047 unknown spend"}'::text[], 'a key that is unknown does nothing'
);
reset session authorization;
select results_eq(
  $$ select coalesce(t.txn_id, e.txn_id), u.key_id from wallet.key_uses u left join wallet.transactions t on t.id = u.id left join wallet.hold_events e on e.id = u.id order by u.id offset 42 $$,
  $$ select txn(500 + n), txn(case n when 1 then 901 else 900 end) from generate_series(1, 7) n $$, 'and each use is on record once'
);

-- who acts
select is(
  (select b.outcome || ' ' || (b.detail ->> 'field') from who w, wallet_batch('{topup}', array[w.wallet], array[txn(600)], '{1}', p_key_ids => array[txn(901)]) b), 'WA002 actor',
  'a key needs a user, whoever calls'
);
select is(
  (select b.outcome || ' ' || (b.detail ->> 'reason') from who w, wallet_batch('{topup}', array[wallet_of('bob')], array[txn(600)], '{1}', p_actors => array[w.bob], p_key_ids => array[txn(901)]) b),
  'WA047 subject', 'who is no operator'
);
select is(
  (select b.outcome from who w, wallet_batch('{topup}', array[w.stranger], array[txn(600)], '{1}', p_actors => array[w.alice], p_key_ids => array[txn(901)]) b), 'WA001',
  'and whose wallet it is'
);
select is(
  refused($$ select wallet_batch('{topup}', array[(select wallet from who)], array[txn(600)], '{1}', p_key_ids => array[txn(901), txn(900)]) $$), 'WA002 key_ids', 'a key for each item'
);

-- balances
set local session authorization wallet_api;
select results_eq(
  $$ select b.ordinal, b.wallet_id from who w, wallet_balances(array[w.wallet, w.other, w.stranger, w.wallet, w.wallet], array[w.alice, w.dora, w.charlie, w.alice, w.alice],
    array[txn(900), txn(900), txn(900), txn(901), null]) b $$,
  $$ select v.* from who w cross join lateral (values (1, w.wallet), (2, w.other), (5, w.wallet)) v $$, 'balances that a key may not read are left out'
);
select is(refused($$ select wallet_balances(array[w.wallet], array[w.alice], array[txn(900), txn(900)]) from who w $$), 'WA002 key_ids', 'a key for each');
reset session authorization;
select is_empty('select * from wallet_verify()', 'all is sound');
select * from finish();
