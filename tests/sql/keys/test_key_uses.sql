-- What a key may do, judged at each call before anything is read or locked; and that its use is on record with what it made.
select plan(73);

select lives_ok(
  $$
    select wallet_set_role('bob', 'operator'), wallet_register('dora', 'hash'), wallet_register('erin', 'hash');
    select wallet_create_key(txn(900), 'all scopes', sha256('900'), 'pgw_00000900', '{hold,read,refund,spend,topup,transfer}', array[user_of('alice'), user_of('dora')]);
    select wallet_create_key(txn(901), 'all users', sha256('901'), 'pgw_00000901', '{hold,read,refund,spend,topup,transfer}', p_all_users => true);
    select wallet_create_key(txn(902), 'revoked', sha256('902'), 'pgw_00000902', '{hold,read,refund,spend,topup,transfer}', p_all_users => true);
    select wallet_revoke_key(txn(902));
    insert into wallet.api_keys (id, name, prefix, secret_hash, scopes, all_users, expires_at)
    values (txn(903), 'expired', 'pgw_00000903', sha256('903'), '{hold,read,refund,spend,topup,transfer}', true, clock_timestamp() - interval '1 second');
    insert into wallet.api_keys (id, name, prefix, secret_hash, scopes, all_users)
    select txn(910 + n::integer), s, 'pgw_00000910', sha256(s::bytea), array[s], true from unnest('{hold,read,refund,spend,topup,transfer}'::text[]) with ordinality as o (s, n);
  $$, 'there are keys, and one for each scope'
);
create temp table who as
select user_of('alice') as alice, user_of('bob') as bob, user_of('charlie') as charlie, user_of('dora') as dora, wallet_of('alice') as wallet, wallet_of('dora') as other,
  wallet_of('charlie') as stranger, wallet_of('bob') as operators;
grant select on who to public;
create function pg_temp.wallet_id(p_name text default 'wallet') returns uuid
language sql stable as $$ select case p_name when 'wallet' then w.wallet when 'stranger' then w.stranger when 'operators' then w.operators else w.other end from who w $$;
create function pg_temp.alice() returns uuid language sql stable as $$ select w.alice from who w $$;
-- every function that a key can reach, with the scope that it needs and a call without the key
create temp table calls (name text, scope text, sql text);
insert into calls values
  ('wallet_topup', 'topup', 'wallet_topup(pg_temp.wallet_id(), txn(1), 50, p_actor => pg_temp.alice()'),
  ('wallet_spend', 'spend', 'wallet_spend(pg_temp.wallet_id(), txn(2), 20, ''a reference'', p_actor => pg_temp.alice()'),
  ('wallet_transfer', 'transfer', 'wallet_transfer(pg_temp.wallet_id(), txn(3), 5, p_to_username => ''dora'', p_actor => pg_temp.alice()'),
  ('wallet_preview_transfer', 'transfer', 'wallet_preview_transfer(pg_temp.wallet_id(), txn(4), 5, p_to_username => ''dora'', p_actor => pg_temp.alice()'),
  ('wallet_hold', 'hold', 'wallet_hold(pg_temp.wallet_id(), txn(5), 40, p_actor => pg_temp.alice()'),
  ('wallet_capture', 'hold', 'wallet_capture(pg_temp.wallet_id(), txn(6), txn(5), 10, p_actor => pg_temp.alice()'),
  ('wallet_void', 'hold', 'wallet_void(pg_temp.wallet_id(), txn(7), txn(5), p_actor => pg_temp.alice()'),
  ('wallet_refund', 'refund', 'wallet_refund(pg_temp.wallet_id(), txn(8), txn(2), 7, p_actor => pg_temp.alice()'),
  ('wallet_balance', 'read', 'wallet_balance(pg_temp.wallet_id(), p_actor => pg_temp.alice()'),
  ('wallet_balance_at', 'read', 'wallet_balance_at(pg_temp.wallet_id(), ''2020-01-01'', p_actor => pg_temp.alice()'),
  ('wallet_balance_history', 'read', 'wallet_balance_history(pg_temp.wallet_id(), ''2020-01-01'', ''2020-01-02'', 2, p_actor => pg_temp.alice()'),
  ('wallet_list', 'read', 'wallet_list(pg_temp.alice(), p_actor => pg_temp.alice()'),
  ('wallet_entries', 'read', 'wallet_entries(pg_temp.wallet_id(), p_actor => pg_temp.alice()'),
  ('wallet_entry', 'read', 'wallet_entry(pg_temp.wallet_id(), transaction_of(txn(1)), p_actor => pg_temp.alice()'),
  ('wallet_transaction', 'read', 'wallet_transaction(pg_temp.wallet_id(), txn(1), p_actor => pg_temp.alice()'),
  ('wallet_find_request', 'read', 'wallet_find_request(pg_temp.wallet_id(), txn(1), p_actor => pg_temp.alice()'),
  ('wallet_statement', 'read', 'wallet_statement(pg_temp.wallet_id(), ''2020-01-01'', ''2020-01-02'', p_actor => pg_temp.alice()'),
  ('wallet_holds', 'read', 'wallet_holds(pg_temp.wallet_id(), p_actor => pg_temp.alice()'),
  ('wallet_own_hold', 'read', 'wallet_own_hold(pg_temp.wallet_id(), txn(5), p_actor => pg_temp.alice()'),
  ('wallet_verify_entry', 'read', 'wallet_verify_entry(pg_temp.wallet_id(), transaction_of(txn(1)), ''x'', p_actor => pg_temp.alice()'),
  ('wallet_user_events', 'read', 'wallet_user_events(pg_temp.alice(), 0, 1, 3, p_actor => pg_temp.alice()');
grant select on calls to public;
create function pg_temp.outcome(p_call text, p_key integer) returns text
language sql as $$
  select coalesce(r ->> 'code' || ' ' || coalesce(r -> 'detail' ->> 'reason', ''), 'allowed')
  from refusal(format('select * from %s, p_key_id => %L)', p_call, txn(p_key))) r
$$;
create function pg_temp.used() returns table (txn_id uuid, key_id uuid)
language sql as $$
  select coalesce(t.txn_id, e.txn_id), u.key_id
  from wallet.key_uses u
  left join wallet.transactions t on t.id = u.id
  left join wallet.hold_events e on e.id = u.id
  order by u.id
$$;

select results_eq(
  $$ select p.proname::text collate "C" from pg_proc p where 'p_key_id' = any (p.proargnames[1:p.pronargs]) and 'p_actor' = any (p.proargnames) and p.pronamespace = 'public'::regnamespace
    and p.proname not in ('wallet_create_key', 'wallet_key', 'wallet_revoke_key') order by 1 $$,
  $$ select c.name collate "C" from calls c order by 1 $$, 'every function that takes a key is called here'
);

-- refused, before anything else: the arguments of some of these calls name nothing yet
set local session authorization wallet_api;
select is_empty(
  format($$ select c.name from calls c where pg_temp.outcome(c.sql, %s) <> 'WA047 %s' $$, k.key, k.reason), 'a key that is ' || k.reason || ' does nothing'
)
from (values (999, 'unknown'), (902, 'revoked'), (903, 'expired')) k (key, reason);
select is_empty(
  $$
    select c.name, k.scope
    from calls c
    cross join unnest('{hold,read,refund,spend,topup,transfer}'::text[]) with ordinality as k (scope, n)
    where k.scope <> c.scope and pg_temp.outcome(c.sql, 910 + k.n::integer) <> 'WA047 scope'
  $$, 'nor does one of another scope'
);
select is(
  refusal($$ select wallet_spend(pg_temp.wallet_id(), txn(2), 20, p_actor => pg_temp.alice(), p_key_id => txn(911)) $$) -> 'detail',
  jsonb_build_object('key_id', txn(911), 'reason', 'scope', 'scope', 'spend'), 'it is told which it needs'
);
select is_empty(
  $$ select c.name from calls c where pg_temp.outcome(replace(replace(c.sql, 'wallet_id()', 'wallet_id(''stranger'')'), 'pg_temp.alice()', '(select charlie from who)'), 900) <> 'WA047 subject' $$,
  'nor is anything done for another user'
);
select is_empty(
  $$ select c.name from calls c where pg_temp.outcome(replace(replace(c.sql, 'wallet_id()', 'wallet_id(''operators'')'), 'pg_temp.alice()', '(select bob from who)'), 901) <> 'WA047 subject' $$,
  'or for an operator, even by a key for all users'
);
select is_empty(
  $$ select c.name from calls c where pg_temp.outcome(replace(c.sql, 'pg_temp.alice()', 'gen_random_uuid()'), 901) <> 'WA047 subject' $$, 'or for one who does not exist'
);
select is_empty(
  $$ select c.name from calls c where refused(format('select * from %s, p_key_id => %L)', replace(c.sql, 'pg_temp.alice()', 'null'), txn(901))) <> 'WA002 actor' $$, 'or for nobody'
);
reset session authorization;
select is_empty(
  $$ select c.name from calls c where refused(format('select * from %s, p_key_id => %L)', replace(c.sql, 'pg_temp.alice()', 'null'), txn(901))) <> 'WA002 actor' $$,
  'not by an administrator, either'
);
select is((select count(*) from wallet.key_uses), 0::bigint, 'nothing was done');
set local session authorization wallet_api;
select is(
  pg_temp.outcome('wallet_topup(pg_temp.wallet_id(''stranger''), txn(1), 50, p_actor => pg_temp.alice()', 901), 'WA001 ', 'a key opens no wallet that is not its user''s'
);

-- done, by a key with the one scope that it needs
select is(pg_temp.outcome(c.sql, k.key), 'allowed', c.name || ' by a key of its scope')
from calls c
join (values ('hold', 911), ('read', 912), ('refund', 913), ('spend', 914), ('topup', 915), ('transfer', 916)) k (scope, key) on k.scope = c.scope
where c.name <> 'wallet_preview_transfer';
reset session authorization;
select results_eq(
  $$ select * from pg_temp.used() $$,
  $$ select txn(t), txn(k) from (values (1, 915), (2, 914), (3, 916), (5, 911), (6, 911), (7, 911), (8, 913)) v (t, k) $$,
  'which key did it is on record, for each transaction and each event of a hold, and for reads nothing'
);
select is((select count(*) from wallet.key_uses u join wallet.hold_events e on e.id = u.id), 3::bigint, 'a capture is one use');

-- again
select results_eq(
  format('select t.replayed, t.id from wallet_topup(pg_temp.wallet_id(), txn(1), 50, p_actor => pg_temp.alice()%s) t', k.key),
  $$ select true, transaction_of(txn(1)) $$, 'a replay returns the first result, ' || k.who
)
from (values (format(', p_key_id => %L', txn(900)), 'by another key'), (format(', p_key_id => %L', txn(915)), 'by the same'), ('', 'and by the user')) k (key, who);
select is(pg_temp.outcome('wallet_topup(pg_temp.wallet_id(), txn(1), 50, p_actor => pg_temp.alice()', 914), 'WA047 scope', 'but not by one that may not do it');
select is(pg_temp.outcome('wallet_topup(pg_temp.wallet_id(), txn(1), 51, p_actor => pg_temp.alice()', 900), 'WA004 ', 'another request stays one');
select is(
  (select t.replayed from wallet_void(pg_temp.wallet_id(), txn(7), txn(5), pg_temp.alice(), txn(900)) t), true, 'nor is a void done twice'
);
select is((select count(*) from wallet.key_uses), 7::bigint, 'and nothing is on record for replays');
select lives_ok($$ select wallet_topup(pg_temp.wallet_id(), txn(9), 1, p_actor => pg_temp.alice()) $$, 'what the user does');
select is((select count(*) from wallet.key_uses), 7::bigint, 'no key did');

-- the long way, limits, due holds, and what is refused for other reasons
select lives_ok(
  $$
    select wallet_set_limits(pg_temp.wallet_id(), '{spend}', '{100}', '{null}', '{null}');
    select wallet_hold(pg_temp.wallet_id(), txn(10), 30, p_actor => pg_temp.alice(), p_key_id => txn(900));
    select let_expire(txn(10));
    select wallet_spend(pg_temp.wallet_id(), txn(11), 100, p_effective_at => '2020-01-01', p_actor => pg_temp.alice(), p_key_id => txn(900));
  $$, 'a wallet with limits and a due hold'
);
select is(refused($$ select wallet_spend(pg_temp.wallet_id(), txn(12), 101, p_actor => pg_temp.alice(), p_key_id => txn(900)) $$), 'WA014 amount', 'a limit holds for a key');
select results_eq(
  $$ select u.txn_id from pg_temp.used() u offset 7 $$, $$ values (txn(10)), (txn(11)) $$, 'the end of a due hold is nobody''s use'
);
select is(
  (select array_agg(key) from (select e.event, wallet.key_of(e.id) is not null as key from wallet.hold_events e join wallet.holds h on h.id = e.hold_id where h.txn_id = txn(10) order by e.id) e),
  '{t,f}'::boolean[], 'though the key ended it'
);

-- roles and erasures are judged at each use
select is(pg_temp.outcome('wallet_balance(pg_temp.wallet_id(''other''), (select dora from who)', 900), 'allowed', 'dora is a user of the key');
select lives_ok($$ select wallet_set_role('dora', 'operator') $$, 'she becomes an operator');
select is(pg_temp.outcome('wallet_balance(pg_temp.wallet_id(''other''), (select dora from who)', 900), 'WA047 subject', 'and is none any more');
select lives_ok(
  $$ select wallet_set_role('dora', 'user'); select wallet_topup(pg_temp.wallet_id('other'), txn(13), 5, p_actor => (select dora from who), p_key_id => txn(900)) $$,
  'she is one again'
);
select lives_ok($$ select wallet_erase_user((select dora from who), 'a test') $$, 'she is erased');
select is(pg_temp.outcome('wallet_balance(pg_temp.wallet_id(''other''), (select dora from who)', 900), 'WA047 subject', 'and is none any more');
select is_empty('select * from wallet_verify()', 'what the key did for her was right');
select lives_ok($$ select wallet_revoke_key(txn(900)) $$, 'the key is revoked');
select is(pg_temp.outcome('wallet_balance(pg_temp.wallet_id(), pg_temp.alice()', 900), 'WA047 revoked', 'from the next call on it does nothing');
select is_empty('select * from wallet_verify()', 'what it did was right');

-- what operators see
select results_eq(
  $$ select i.key from wallet_inspect_transaction(transaction_of(txn(1))) i union all select i.key from wallet_inspect_transaction(transaction_of(txn(9))) i $$,
  $$ values (jsonb_build_object('id', txn(915), 'name', 'topup', 'prefix', 'pgw_00000910')), (null) $$, 'operators see which key made a transaction, and that none did'
);
select results_eq(
  $$ select i.key ->> 'name', i.events -> 0 -> 'key' ->> 'name', i.events -> 1 -> 'key' from wallet_inspect_hold(hold_of(txn(10))) i $$,
  $$ values ('all scopes', null, jsonb_build_object('id', txn(900), 'name', 'all scopes', 'prefix', 'pgw_00000900')) $$, 'and placed a hold, and did what happened to it'
);
select is((select i.hold -> 'key' ->> 'name' from wallet_inspect_transaction(transaction_of(txn(6))) i), 'hold', 'of a capture, too');
select results_eq(
  $$ select i.txn_id, i.key ->> 'name' from wallet_inspect_entries(pg_temp.wallet_id(), 4) i $$,
  $$ values (txn(11), 'all scopes'), (txn(9), null), (txn(8), 'refund'), (txn(6), 'hold') $$, 'and all that is in a history'
);
select is(
  (select to_jsonb(h)::text ~ 'key' from wallet_own_hold(pg_temp.wallet_id(), txn(10), pg_temp.alice()) h), false, 'a user is shown no keys'
);
select results_eq(
  $$ select e.section, e.item ->> 'key_id', e.item ->> 'name' from wallet_export_user('alice') e where e.section = 'key_subjects' and e.item is not null
    union all select e.section, count(*)::text, null from wallet_export_user('alice') e where e.section = 'key_uses' and e.item is not null group by 1 $$,
  $$ values ('key_subjects', txn(900)::text, 'all scopes'), ('key_uses', '9', null) $$, 'unless the person asks for all that is stored'
);

-- what does not fit
select is(found($$ insert into wallet.key_uses values (0, txn(901)) $$), 'key', 'a use of which nothing is on record is found');
select is(found($$ insert into wallet.key_uses values (transaction_of(txn(9)), txn(999)) $$), 'key', 'and of a key that does not exist');
select is(found($$ insert into wallet.key_uses values (transaction_of(txn(9)), txn(914)) $$), 'key', 'and of a scope that it has not');
select is(
  found($$ insert into wallet.key_uses select min(t.id), txn(900) from wallet.transactions t where t.wallet_id = pg_temp.wallet_id('stranger') $$), 'key', 'and of a bonus, which no key gives'
);
select is(found($$ insert into wallet.key_uses select e.id, txn(900) from wallet.hold_events e where e.event = 'expired' $$), 'key', 'and of a hold''s end by the clock');
select is(
  found($$ select wallet_topup(pg_temp.wallet_id('stranger'), txn(20), 1); insert into wallet.key_uses values (transaction_of(txn(20)), txn(900)) $$), 'key', 'and for another user'
);
select is(found($$ update wallet.key_uses set key_id = txn(914) where id = transaction_of(txn(1)) $$, false), 'key', 'and one that is given to another key');
select is(found($$ delete from wallet.key_subjects $$, false), 'key', 'and of a key whose users were taken away');
select * from finish();
