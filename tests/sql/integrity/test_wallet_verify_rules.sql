-- What operators set, erasures and times: each change is made as the owner with all guards on where they let it pass, else with
-- the guards off; and is taken back. Whatever is stored ends no verification.
create function pg_temp.receipt_after(p_tampering text) returns text
language plpgsql
as $$
declare
  v_receipt text;
  v_found text;
begin
  set local session_replication_role = replica;
  execute p_tampering;
  set local session_replication_role = origin;
  select coalesce(encode(l.hash, 'hex'), '') into v_receipt
  from wallet.ledger l
  join wallet.transactions t on t.id = l.transaction_id and t.wallet_id = l.wallet_id
  where t.txn_id = txn(11);
  v_found := wallet_verify_receipt(wallet_of('alice'), txn(11), v_receipt);
  raise sqlstate 'ZZ000';
exception when sqlstate 'ZZ000' then
  return v_found;
end;
$$;
-- a transaction as it is written when the clock says p_at
create function pg_temp.written(p_number integer, p_at timestamptz, p_effective_at timestamptz default null) returns void
language plpgsql
as $$
declare
  v_wallet wallet.locked_wallet := wallet.lock_wallet(wallet_of('alice'), null, null);
begin
  v_wallet.created_at := p_at;
  perform wallet.write_transaction(
    row('topup', wallet_of('alice'), txn(p_number), 1, null, null, p_effective_at, null, null, null, null, null, null)::wallet.request,
    1, 1, v_wallet
  );
end;
$$;

select plan(46);

select lives_ok(
  $$
    select wallet_set_status(wallet_of('bob'), 'frozen', 'a test'), wallet_set_status(wallet_of('bob'), 'active', 'a test'),
      wallet_set_limits(wallet_of('bob'), '{topup,spend}', '{500,null}', '{null,1000}', '{null,null}', -100, 5000);
    select wallet_topup(wallet_of('bob'), txn(1), 10), wallet_spend(wallet_of('bob'), txn(2), 20, 'a reference');
    select wallet_spend(wallet_of('charlie'), txn(3), 5, 'a reference');
    select wallet_erase_user(user_of('charlie'), 'a request');
    select wallet_topup(wallet_of('alice'), txn(4), 5, 'a reference')
  $$,
  'bob has limits, charlie was erased'
);
select is_empty('select * from wallet_verify()', 'a sound ledger has neither violations nor warnings');

-- what operators set
select is(found($$ update wallet.wallets set status = 'frozen' where id = wallet_of('alice') $$), 'operator_action', 'a status that no operator set');
select is(found($$ update wallet.wallets set floor = -1000 where id = wallet_of('alice') $$), 'operator_action', 'an overdraft');
select is(found($$ update wallet.wallets set floor = -1000 where id = wallet_of('bob') $$), 'operator_action', 'a larger overdraft');
select is(found($$ update wallet.wallets set max_balance = null where id = wallet_of('bob') $$), 'operator_action', 'a balance limit that is gone');
select is(found($$ update wallet.limits set per_day = 2000 where kind = 'spend' $$), 'operator_action', 'a limit that was raised');
select is(found($$ delete from wallet.limits where kind = 'spend' $$), 'operator_action', 'a limit that is gone');
select is(
  found(format($$
    insert into wallet.confirmations (type, wallet_id, txn_id, amount, expected, actor, created_at, status, decided_at, transaction_id)
    values ('adjustment', wallet_of('alice'), txn(900), %s, 5, user_of('bob'), now(), 'confirmed', now(), %s)
  $$, v.amount, v.id)), 'operator_action', v.what
)
from (values
  (5, '1000000', 'a confirmed request without a transaction'),
  (5, $$ (select t.id from wallet.transactions t where t.wallet_id = wallet_of('alice') order by t.id limit 1) $$, 'or with another''s')
) v (amount, id, what);
select is(
  found($$ update wallet.wallets set has_limits = false where id = wallet_of('bob') $$), 'limit_usage, wallet', 'has_limits, to hide all of them'
);
select is(
  found($$ delete from wallet.operator_actions where action = 'status' and detail ->> 'to' = 'active' $$, false), 'operator_action',
  'an action that is gone'
);
select is(found($$ update wallet.limit_usage set amount = 1 where kind = 'spend' $$), 'limit_usage', 'usage that was lowered');
select is(found($$ delete from wallet.limit_usage $$), 'limit_usage', 'usage that is gone');
select is(
  found($$ insert into wallet.limit_usage select wallet_id, kind, hour - interval '5 hours', 10 from wallet.limit_usage $$), 'limit_usage',
  'usage of an hour in which nothing moved'
);
select is(
  found($$ insert into wallet.limit_usage select wallet_id, kind, hour - interval '800 hours', 10 from wallet.limit_usage $$), null,
  'what is older than 30 days counts for nothing'
);

-- wallets
select is(
  found($$
    alter table wallet.wallets alter is_plain drop expression;
    update wallet.wallets set is_plain = true where id = wallet_of('bob')
  $$),
  'wallet', 'a wallet with limits that says it is plain'
);
select is(
  found($$
    alter table wallet.wallets drop constraint wallets_kind_known;
    alter table wallet.wallets disable trigger identity_kept;
    update wallet.wallets set kind = 'other' where id = wallet_of('alice')
  $$),
  'wallet', 'a wallet of a kind that no rule is for'
);
select is(
  found($$ update wallet.wallets set id = gen_random_uuid() where purpose = 'refund' $$, false), 'wallet', 'a system wallet of another id'
);

-- erasures
select is(
  found($$ update wallet.transaction_details set reference = null, metadata = null, effective_at = null, salt = null $$, false), 'erasure',
  'details that were blanked'
);
select is(
  found($$
    update wallet.wallets set is_erased = true where id = wallet_of('alice');
    update wallet.transaction_details set reference = null, salt = null
    where transaction_id = (select id from wallet.transactions where txn_id = txn(4))
  $$),
  'erasure', 'the same, past the guards'
);
select is(found($$ update wallet.users set erased_at = now() where username = 'alice' $$), 'erasure, warning: name', 'a user who looks erased');
select is(found($$ update wallet.users set erased_at = null where erased_at is not null $$), 'erasure', 'a user who was erased and does not look so');
select is(found($$ delete from wallet.erasures $$, false), 'erasure', 'an erasure that is gone');
select is(
  found($$ update wallet.wallets set is_erased = false where is_erased $$, false), 'erasure', 'a wallet that would store what is to be erased'
);
select is(found($$ delete from wallet.reserved_names $$, false), 'warning: name', 'a name that is not reserved is a warning');

-- times
select is(found($$ select pg_temp.written(10, clock_timestamp() + interval '3 hours') $$, false), 'warning: future', 'an entry in the future is a warning');
select is(
  found($$ select pg_temp.written(10, clock_timestamp() + interval '3 hours'), pg_temp.written(11, clock_timestamp()) $$, false), 'warning: future',
  'and the next one takes its time'
);
select is(
  found($$
    select pg_temp.written(10, clock_timestamp() + interval '3 hours'), pg_temp.written(11, clock_timestamp());
    update wallet.ledger set recorded_at = recorded_at + interval '1 microsecond' where recorded_at is not null
  $$, false),
  'created_at, hash, warning: future', 'a time that is not the one of the entry before'
);
select is(
  found($$
    select pg_temp.written(10, clock_timestamp() + interval '3 hours'), pg_temp.written(11, clock_timestamp());
    update wallet.ledger set recorded_at = null where recorded_at is not null
  $$, false),
  'created_at, hash', 'a time that is gone'
);
select is(
  found($$
    update wallet.ledger l set recorded_at = t.created_at
    from wallet.transactions t
    where t.wallet_id = l.wallet_id and t.seq = l.seq - 1 and t.wallet_id = wallet_of('alice');
    update wallet.transactions t set created_at = l.recorded_at from wallet.ledger l where l.transaction_id = t.id and l.recorded_at is not null
  $$, false),
  'created_at, hash', 'a time that says what the transaction says'
);
select is(
  found($$ update wallet.ledger set recorded_at = '2020-01-01' where wallet_id = wallet_of('alice') and seq = 1 $$, false), 'created_at, hash',
  'a first entry has no time of one before'
);
select is(
  found($$ update wallet.ledger set recorded_at = now() where seq = transaction_id and transaction_id = (select max(id) from wallet.transactions) $$, false),
  'system_entry', 'nor has a system wallet''s'
);
select is(found($$ select pg_temp.written(10, clock_timestamp(), '4000-01-01 BC') $$, false), 'warning: effective_at', 'a date before our era');
select is(found($$ select pg_temp.written(10, clock_timestamp(), '-infinity') $$, false), 'warning: effective_at', 'one without beginning');
select is(found($$ select pg_temp.written(10, clock_timestamp(), '10000-01-01 00:00+00') $$, false), 'warning: effective_at', 'one after all that clients read');
select is(found($$ select pg_temp.written(10, 'infinity') $$, false), 'warning: future', 'an entry at the end of time');
select is(
  found($$ update wallet.transactions set created_at = '-infinity' where wallet_id = wallet_of('alice') and seq = 2 $$, false), 'created_at, hash',
  'an entry before all time'
);

-- receipts
select is(
  pg_temp.receipt_after($$ select pg_temp.written(10, clock_timestamp() + interval '3 hours'), pg_temp.written(11, clock_timestamp()) $$), 'ok',
  'the receipt of an entry with a time of its own holds'
);
select is(
  pg_temp.receipt_after($$
    select pg_temp.written(10, clock_timestamp() + interval '3 hours'), pg_temp.written(11, clock_timestamp());
    update wallet.ledger set recorded_at = recorded_at + interval '1 microsecond' where recorded_at is not null
  $$),
  'altered', 'but not with another one'
);
select is(
  pg_temp.receipt_after($$
    select pg_temp.written(11, clock_timestamp());
    update wallet.ledger set balance_after = null, hash = null
    where transaction_id = (select id from wallet.transactions where txn_id = txn(11)) and balance_after is not null
  $$),
  'altered', 'nor where the entry has no hash any more'
);

-- whatever is stored
select is(
  found($$
    insert into wallet.operator_actions (wallet_id, action, detail) values (wallet_of('alice'), 'limits', '{"floor": "none", "limits": 1}');
    update wallet.wallets set is_erased = true where id = wallet_of('alice')
  $$),
  'erasure, unjudged', 'what cannot be judged is said, and the rest is judged'
);
select is(
  found($$
    alter table wallet.transactions drop constraint transactions_amount_range;
    alter table wallet.ledger drop constraint ledger_amounts_range;
    update wallet.transactions set amount = -9223372036854775808 where txn_id in (txn(2), txn(4));
    update wallet.ledger set amount = -9223372036854775808, balance_after = case when balance_after is not null then -9223372036854775808 end
    where transaction_id in (select id from wallet.transactions where txn_id in (txn(2), txn(4)))
  $$, false),
  'available, floor, hash, limit_usage, running_balance, transaction_amount, transaction_entries', 'the largest of numbers'
);
select is(
  found($$
    alter table wallet.transactions alter created_at drop not null, alter type drop not null, alter amount drop not null, alter seq drop not null;
    update wallet.transactions set created_at = null, type = null, amount = null, seq = null where txn_id = txn(4)
  $$, false),
  'counterparty, hash', 'nulls in a transaction'
);
select is(
  found($$
    alter table wallet.ledger alter amount drop not null, alter transaction_id drop not null, drop constraint ledger_hash_given;
    update wallet.ledger set amount = null, balance_after = null, hash = null, transaction_id = null where wallet_id = wallet_of('alice') and seq = 2
  $$, false),
  'entry_transaction, running_balance, transaction_amount, transaction_entries', 'nulls in an entry'
);
select is_empty('select * from wallet_verify()', 'all of it was taken back');
select * from finish();
