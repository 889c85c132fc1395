-- Each change is made with the guards off, and is taken back.
select plan(19);

select lives_ok(
  $$
    select wallet_topup(wallet_of('alice'), txn(1), 70, 'from grandma');
    select wallet_transfer(wallet_of('alice'), txn(2), 7, wallet_of('bob'), p_reference => 'lunch');
    select wallet_topup(wallet_of('bob'), txn(3), 1)
  $$, 'alice sends to bob'
);
create temp table entries as
select l.wallet_id, l.seq, l.transaction_id, encode(l.hash, 'hex') as receipt
from wallet.ledger l
where l.wallet_id in (wallet_of('alice'), wallet_of('bob'));

create function pg_temp.verdicts(p_tampering text) returns text[] language plpgsql
as $$
declare
  v_found text[];
begin
  set local session_replication_role = replica;
  execute p_tampering;
  set local session_replication_role = origin;
  select array[
    wallet_verify_entry(a.wallet_id, a.transaction_id, a.receipt), wallet_verify_entry(b.wallet_id, b.transaction_id, b.receipt)
  ] into v_found
  from entries a, entries b
  where a.wallet_id = wallet_of('alice') and b.wallet_id = wallet_of('bob') and a.transaction_id = b.transaction_id;
  raise sqlstate 'ZZ000';
exception when sqlstate 'ZZ000' then
  return v_found;
end;
$$;

select is_empty(
  $$ select * from entries e where wallet_verify_entry(e.wallet_id, e.transaction_id, e.receipt) <> 'ok' $$,
  'every entry is on record as its receipt says, also of a transfer that was received'
);
select is_empty(
  $$ select * from entries e where wallet_verify_entry(e.wallet_id, e.transaction_id, upper(e.receipt)) <> 'ok' $$, 'however the receipt is written'
);
select is_empty(
  $$
    select * from entries e
    join wallet.transactions t on t.id = e.transaction_id and t.wallet_id = e.wallet_id
    where wallet_verify_receipt(e.wallet_id, t.txn_id, e.receipt) <> 'ok'
  $$, 'wallet_verify_receipt() says the same of those that the wallet requested'
);
select is(
  (
    select wallet_verify_entry(b.wallet_id, b.transaction_id, a.receipt)
    from entries a, entries b
    where a.wallet_id = wallet_of('alice') and b.wallet_id = wallet_of('bob') and a.transaction_id = b.transaction_id
  ), 'rewritten', 'the sender''s receipt is not the recipient''s'
);

-- tampered with: what alice's receipt of the transfer says, and bob's
select is(
  pg_temp.verdicts($$ update wallet.ledger set amount = 700 where wallet_id = wallet_of('bob') and seq = 2 $$),
  array['ok', 'altered'], 'another amount'
);
select is(
  pg_temp.verdicts($$ update wallet.ledger set balance_after = 9 where wallet_id = wallet_of('bob') and seq = 2 $$),
  array['ok', 'altered'], 'another balance'
);
select is(
  pg_temp.verdicts($$ update wallet.transactions set wallet_id = wallet_of('charlie') where txn_id = txn(2) $$),
  array['removed', 'altered'], 'another sender'
);
select is(
  pg_temp.verdicts($$ update wallet.transactions set counterparty_id = wallet_of('charlie') where txn_id = txn(2) $$),
  array['altered', 'removed'], 'another recipient'
);
select is(
  pg_temp.verdicts($$ update wallet.transaction_details set reference = 'dinner' where transaction_id = transaction_of(txn(2)) $$),
  array['altered', 'altered'], 'another reference'
);
select is(
  pg_temp.verdicts($$ update wallet.transaction_details set reference = null, salt = null where transaction_id = transaction_of(txn(2)) $$),
  array['ok', 'ok'], 'erased details are none that were altered'
);
select is(
  pg_temp.verdicts($$ delete from wallet.transaction_details where transaction_id = transaction_of(txn(2)) $$),
  array['altered', 'altered'], 'removed details'
);
select is(
  pg_temp.verdicts($$ update wallet.ledger set hash = sha256('x') where wallet_id = wallet_of('bob') and seq = 2 $$),
  array['ok', 'rewritten'], 'another hash'
);
select is(
  pg_temp.verdicts($$ delete from wallet.ledger where wallet_id = wallet_of('bob') and seq = 2 $$),
  array['ok', 'removed'], 'no entry'
);
select is(
  pg_temp.verdicts($$ update wallet.ledger set transaction_id = transaction_of(txn(3)) where wallet_id = wallet_of('bob') and seq = 2 $$),
  array['ok', 'removed'], 'an entry of another transaction'
);
select is(
  pg_temp.verdicts($$ delete from wallet.transactions where txn_id = txn(2) $$),
  array['removed', 'removed'], 'no transaction'
);

-- refused
select is(
  refused($$ select wallet_verify_entry(wallet_of('alice'), null, 'x') $$) || ', ' || refused($$ select wallet_verify_entry(wallet_of('alice'), 1, null) $$),
  'WA002 receipt, WA002 receipt', 'it needs both'
);
set local session authorization wallet_api;
select is(refused($$ select wallet_verify_entry(wallet_of('alice'), 1, 'x') $$), 'WA002 actor', 'the service must name the user it acts for');
select is(refused($$ select wallet_verify_entry(wallet_of('alice'), 1, 'x', user_of('bob')) $$), 'WA001', 'a stranger''s wallet is answered as unknown');
reset session authorization;
select * from finish();
