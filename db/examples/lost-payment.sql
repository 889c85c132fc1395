-- A customer misses a payment. What is known may be the txn_id, the reference, or the amount.
\set QUIET on
begin;
select user_id, wallet_id from wallet_register('example-sender', 'no password: this one never signs in') \gset
select wallet_id as other_wallet_id from wallet_register('example-recipient', 'no password: this one never signs in') \gset
select count(*) as made
from wallet_transfer(
  :'wallet_id', '44444444-0000-4000-8000-000000000001', 40, :'other_wallet_id', p_reference => 'invoice 17'
) \gset

\echo By the txn_id of the request: it is on record, or was never accepted.
select transaction_id is not null as on_record
from wallet_find_request(:'wallet_id', '44444444-0000-4000-8000-000000000001');
select count(*) as on_record
from wallet_find_request(:'wallet_id', '44444444-0000-4000-8000-000000000002');

\echo By the reference, in both histories.
select type, amount, reference, counterparty_username
from wallet_entries(:'wallet_id', p_reference => 'invoice 17');
select type, amount, reference, counterparty_username
from wallet_entries(:'other_wallet_id', p_reference => 'invoice 17');

\echo By anything that an operator has: a name, an id, a reference.
select kind, username, type, amount, reference from wallet_search('invoice 17') order by kind, amount;

rollback;
