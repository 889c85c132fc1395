-- What operators see of wallets, their histories, transactions and holds; that nobody else does, and that it is on record.
select plan(69);

select lives_ok(
  $$
    select wallet_set_role('charlie', 'operator'), wallet_register('dora', 'hash'), wallet_set_limits(wallet_of('alice'), '{spend}', '{500}', '{1000}', '{null}', -50, 5000),
      wallet_spend(wallet_of('alice'), txn(1), 300, 'order 17', '{"a": 1.50}', '2026-01-01'), wallet_refund(wallet_of('alice'), txn(2), txn(1), 100),
      wallet_transfer(wallet_of('alice'), txn(3), 50, p_to_username => 'bob'), wallet_hold(wallet_of('alice'), txn(4), 200, p_reference => 'room'),
      wallet_capture(wallet_of('alice'), txn(5), txn(4), 60), wallet_void(wallet_of('alice'), txn(6), txn(4)), wallet_hold(wallet_of('alice'), txn(7), 20)
  $$,
  'alice has a past'
);
select lives_ok(
  $$
    select wallet_adjust(wallet_of('alice'), txn(8), -10, 'a mistake', p_actor => user_of('charlie')), wallet_fund(wallet_of('alice'), txn(9), 5),
      wallet_set_status(wallet_of('alice'), 'frozen', 'court order', user_of('charlie')), wallet_set_status(wallet_of('alice'), 'active', 'settled')
  $$,
  'and operators have been at it'
);
create temp table looked as select coalesce(max(a.id), 0) as id from wallet.operator_actions a;
grant select, update on looked to public;
create function pg_temp.looks() returns table (username text, asset text, actor text, of text)
language sql
security definer
as $$
  with since as (select l.id from looked l), newest as (update looked set id = (select max(a.id) from wallet.operator_actions a))
  select u.username, w.asset, o.username, a.detail ->> 'of'
  from wallet.operator_actions a
  left join wallet.users u on u.id = a.user_id
  left join wallet.wallets w on w.id = a.wallet_id
  left join wallet.users o on o.id = a.actor
  where a.action = 'read' and a.id > (select s.id from since s)
  order by a.id
$$;

-- who may
create temp table calls (name text, sql text);
insert into calls values
  ('wallet', $$ select wallet_inspect_wallet(wallet_of('alice'), %s) $$),
  ('transactions', $$ select wallet_inspect_entries(wallet_of('alice'), p_actor => %s) $$),
  ('holds', $$ select wallet_inspect_holds(wallet_of('alice'), p_actor => %s) $$),
  ('statement', $$ select wallet_inspect_statement(wallet_of('alice'), '2026-01-01', '2026-01-02', %s) $$),
  ('transaction', $$ select wallet_inspect_transaction(transaction_of(txn(1)), %s) $$),
  ('hold', $$ select wallet_inspect_hold(hold_of(txn(4)), %s) $$);
grant select on calls to public;
set local session authorization wallet_api;
select is(refused(format(sql, $$user_of('alice')$$)), 'WA027', name || ': not the owner, who has calls of their own') from calls;
select is(refused(format(sql, $$user_of('bob')$$)), 'WA027', name || ': no other user') from calls;
select is(refused(format(sql, 'gen_random_uuid()')), 'WA027', name || ': nobody unknown') from calls;
select is(refused(format(sql, 'null')), 'WA002 actor', name || ': not without an actor') from calls;
select is_empty('select * from pg_temp.looks()', 'whoever is refused saw nothing, and that is not on record');
select is(refused(format(sql, $$user_of('charlie')$$)), 'no error', name || ': operators') from calls;
select results_eq(
  'select * from pg_temp.looks()',
  $$ select 'alice', 'UC', 'charlie', of from unnest(array['wallet', 'transactions', 'holds', 'statement', 'transaction', 'hold']) of $$,
  'which is on record, each look'
);
reset session authorization;

-- wallets
select results_eq(
  $$
    select w.wallet_id, kind, purpose, user_id, username, asset, scale, status, balance, held, available, floor, max_balance,
      limits #>> '{spend,per_day,used}', limits #>> '{spend,per_day,left}', limits #>> '{spend,per_transaction,maximum}', w.created_at
    from wallet_inspect_wallet(wallet_of('alice')) w
  $$,
  $$
    select w.id, 'user', null, w.owner_id, 'alice', 'UC', 0::smallint, 'active', 685::bigint, 20::bigint, 715::bigint, -50::bigint, 5000::bigint,
      '360', '640', '500', w.created_at
    from wallet.wallets w where w.id = wallet_of('alice')
  $$,
  'a wallet with its owner, balance, limits and what is left of them'
);
select results_eq(
  $$
    select s.status, s.previous_status, s.reason, s.actor, s.actor_username, s.changed_at is not null
    from wallet_inspect_wallet(wallet_of('alice')) w,
      jsonb_to_recordset(w.status_history) s (status text, previous_status text, reason text, actor uuid, actor_username text, changed_at timestamptz)
  $$,
  $$ values ('active', 'frozen', 'settled', null::uuid, null, true), ('frozen', 'active', 'court order', user_of('charlie'), 'charlie', true) $$,
  'and who set its status, when and why, newest first'
);
select is(
  (select jsonb_build_array(w.limits, w.status_history, w.max_balance, w.balance) from wallet_inspect_wallet(wallet_of('dora')) w), '[{}, [], null, 1000]',
  'one that nobody has limited'
);
select results_eq(
  $$ select kind, purpose, user_id, username, asset, status, balance, held, available, floor, limits, status_history from wallet_inspect_wallet(wallet.system_wallet_id('UC', 'spend')) $$,
  $$ values ('system', 'spend', null::uuid, null, 'UC', 'active', null::bigint, null::bigint, null::bigint, null::bigint, '{}'::jsonb, '[]'::jsonb) $$,
  'a system wallet has no owner, and no balance that is kept'
);
select results_eq(
  'select * from pg_temp.looks()', $$ values ('alice', 'UC', null, 'wallet'), ('alice', 'UC', null, 'wallet'), ('dora', 'UC', null, 'wallet') $$,
  'it shows nobody, so that is not on record'
);
select is(refused('select wallet_inspect_wallet(gen_random_uuid())'), 'WA001', 'an unknown wallet');
select is(refused('select wallet_inspect_wallet(null)'), 'WA002 wallet_id', 'none');

-- histories
create temp table owners as select * from wallet_entries(wallet_of('alice'), 4, 8, 'transfer', '2025-01-01', null, null, user_of('alice'));
select results_eq(
  $$ select i.seq, i.id, i.txn_id, i.type, i.amount, i.balance, i.reference, i.metadata, i.counterparty_wallet_id, i.counterparty_username, i.effective_at, i.created_at from wallet_inspect_entries(wallet_of('alice'), 4, 8, 'transfer', '2025-01-01', null, null, user_of('charlie')) i $$, 'table owners', 'a page as its owner has it'
);
select results_eq(
  $$ select * from wallet_inspect_holds(wallet_of('alice'), 'voided', 1, null, user_of('charlie')) $$,
  $$ select * from wallet_holds(wallet_of('alice'), 'voided', 1, null, user_of('alice')) $$, 'so are holds'
);
select results_eq(
  $$ select * from wallet_inspect_statement(wallet_of('alice'), '2025-01-01', clock_timestamp() - interval '1 hour', user_of('charlie')) where line <> 'closing' $$,
  $$ select * from wallet_statement(wallet_of('alice'), '2025-01-01', clock_timestamp() - interval '1 hour', user_of('alice')) where line <> 'closing' $$, 'so is a statement'
);
select is(refused('select wallet_inspect_entries(wallet_of(''alice''), 0)'), 'WA002 limit', 'what the owner is refused, the operator is');
select is(refused('select wallet_inspect_holds(wallet.system_wallet_id(''UC'', ''spend''))'), 'WA001', 'a system wallet has no holds');
select is(refused('select wallet_inspect_entries(wallet.system_wallet_id(''UC'', ''spend''))'), 'WA001', 'nor pages');
select is(
  (select string_agg(p.proname, ' ' order by p.proname) from pg_proc p where p.proname in ('wallet_entries', 'wallet_holds', 'wallet_transaction', 'wallet_balance') and p.provolatile = 's'),
  'wallet_balance wallet_entries wallet_holds wallet_transaction', 'the owner''s own reads write nothing'
);

-- transactions
select results_eq(
  $$
    select t.id, txn_id, wallet_id, type, amount, asset, scale, reference, metadata::text, effective_at, counterparty_wallet_id, receipt, refundable, original, hold, operator
    from wallet_inspect_transaction(transaction_of(txn(1))) t
  $$,
  $$
    select transaction_of(txn(1)), txn(1), wallet_of('alice'), 'spend', 300::bigint, 'UC', 0::smallint, 'order 17', '{"a": 1.50}', '2026-01-01'::timestamptz, null::uuid,
      (wallet_spend(wallet_of('alice'), txn(1), 300, 'order 17', '{"a": 1.50}', '2026-01-01')).receipt, 200::bigint, null::jsonb, null::jsonb, null::jsonb
  $$,
  'a spend, with its details, the receipt that was answered, and what is left to refund'
);
create function pg_temp.entries(p_txn_id uuid) returns table (
  wallet_id uuid, kind text, purpose text, user_id uuid, username text, seq bigint, amount bigint, balance bigint, recorded boolean
)
language sql
as $$
  select e.wallet_id, e.kind, e.purpose, e.user_id, e.username, e.seq, e.amount, e.balance, e.recorded_at is not null
  from wallet_inspect_transaction(transaction_of(p_txn_id)) t, jsonb_to_recordset(t.entries) e (
    wallet_id uuid, kind text, purpose text, user_id uuid, username text, seq bigint, amount bigint, balance bigint, recorded_at timestamptz
  )
$$;
select results_eq(
  'select * from pg_temp.entries(txn(1))',
  $$
    values (wallet_of('alice'), 'user', null, user_of('alice'), 'alice', 2::bigint, -300::bigint, 700::bigint, true),
      (wallet.system_wallet_id('UC', 'spend'), 'system', 'spend', null::uuid, null, transaction_of(txn(1)), 300, null, true)
  $$,
  'both entries'
);
select is(
  (select t.refunds - 'created_at' from (select jsonb_array_elements(t.refunds) from wallet_inspect_transaction(transaction_of(txn(1))) t) t (refunds)),
  jsonb_build_object('id', transaction_of(txn(2)), 'txn_id', txn(2), 'amount', 100), 'the refunds of it'
);
select is(
  (select t.original - 'created_at' || jsonb_build_object('refundable', t.refundable) from wallet_inspect_transaction(transaction_of(txn(2))) t),
  jsonb_build_object('id', transaction_of(txn(1)), 'txn_id', txn(1), 'type', 'spend', 'amount', 300, 'refundable', null), 'of a refund the original'
);
select is(
  (select t.hold ->> 'id' || ' ' || jsonb_array_length(t.hold -> 'events') from wallet_inspect_transaction(transaction_of(txn(5))) t),
  hold_of(txn(4)) || ' 3', 'of a capture the hold, with its events'
);
select results_eq(
  $$ select operator ->> 'actor', operator ->> 'actor_username' from unnest(array[txn(8), txn(9)]) x (id), wallet_inspect_transaction(transaction_of(x.id)) order by x.id $$,
  $$ values (user_of('charlie')::text, 'charlie'), (null, null) $$, 'who made it, where that was an operator, or an administrator'
);
select is((select count(*) from pg_temp.looks() where username <> 'alice'), 0::bigint, 'of all that the owner is noted');
select results_eq(
  'select * from pg_temp.entries(txn(3))',
  $$
    values (wallet_of('alice'), 'user', null, user_of('alice'), 'alice', 4::bigint, -50::bigint, 750::bigint, true),
      (wallet_of('bob'), 'user', null, user_of('bob'), 'bob', 2::bigint, 50::bigint, 1050::bigint, true)
  $$,
  'a transfer has an entry in each wallet'
);
select results_eq(
  'select * from pg_temp.looks()', $$ values ('alice', 'UC', null, 'transaction'), ('bob', 'UC', null, 'transaction') $$, 'and both sides are noted'
);
select results_eq(
  $$ select counterparty_wallet_id, counterparty_username from wallet_inspect_transaction(transaction_of(txn(3))) $$, $$ values (wallet_of('bob'), 'bob') $$, 'its recipient is the counterparty'
);
select is(refused('select wallet_inspect_transaction(0)'), 'WA028 transaction_id', 'an unknown transaction');
select is(refused('select wallet_inspect_transaction(null)'), 'WA002 transaction_id', 'none');

-- the recipient's entry is found without an index, wherever it is
select lives_ok(
  $$
    select wallet_topup(wallet_of('dora'), txn(100 + n), n) from generate_series(1, 20) n
    union all select wallet_transfer(wallet_of('bob'), txn(200 + n), n, p_to_username => 'dora') from generate_series(1, 20) n
    union all select wallet_topup(wallet_of('dora'), txn(300 + n), n) from generate_series(1, 5) n
  $$,
  'dora has received much'
);
select is_empty(
  $$ select l.* from wallet.ledger l where l.wallet_id = wallet_of('dora') and wallet.entry_of(l.wallet_id, l.transaction_id) <> l.seq $$, 'every entry is found by its transaction'
);

-- holds
select results_eq(
  $$
    select h.id, h.wallet_id, h.user_id, username, asset, scale, h.txn_id, status, amount, captured, remaining, reference
    from wallet_inspect_hold(hold_of(txn(4)), user_of('charlie')) h
  $$,
  $$ values (hold_of(txn(4)), wallet_of('alice'), user_of('alice'), 'alice', 'UC', 0::smallint, txn(4), 'voided', 200::bigint, 60::bigint, 0::bigint, 'room') $$, 'a hold'
);
select results_eq(
  $$
    select e.event, e.txn_id, e.amount, e.transaction_id, e.available
    from wallet_inspect_hold(hold_of(txn(4))) h, jsonb_to_recordset(h.events) e (event text, txn_id uuid, amount bigint, transaction_id bigint, available bigint)
  $$,
  $$ values ('void', txn(6), 140::bigint, null::bigint, 740::bigint), ('capture', txn(5), 60, transaction_of(txn(5)), 600), ('hold', txn(4), 200, null, 600) $$,
  'what happened to it, newest first'
);
select let_expire(txn(7));
select is((select status || remaining from wallet_inspect_hold(hold_of(txn(7)))), 'expired0', 'a due one has expired');
select is(refused('select wallet_inspect_hold(0)'), 'WA015 hold_id', 'an unknown hold');
select is(refused('select wallet_inspect_hold(null)'), 'WA002 hold_id', 'none');

-- erased owners
select lives_ok($$ select wallet_erase_user(user_of('alice'), 'asked for it', user_of('charlie')) $$, 'alice is erased');
select results_eq(
  $$ select w.username like 'erased-%', balance, t.reference, t.metadata, t.receipt is not null, t.refundable from wallet_inspect_transaction(transaction_of(txn(1))) t, wallet_inspect_wallet(t.wallet_id) w $$,
  $$ values (true, 685::bigint, null::text, null::jsonb, true, 200::bigint) $$, 'the money can still be looked at, the person cannot'
);
select * from finish();
