-- A customer from sign-up to a refund.
\set ON_ERROR_STOP off
\set QUIET on
begin;

\echo A sign-up gives a wallet in the default asset, and a bonus.
select user_id, wallet_id from wallet_register('example-customer', 'no password: this one never signs in') \gset
select asset, balance, available from wallet_balance(:'wallet_id');

\echo A top-up, and the same one again: the txn_id makes it safe to repeat.
select type, amount, balance, replayed
from wallet_topup(:'wallet_id', '11111111-0000-4000-8000-000000000001', 500, 'card 4711');
select type, amount, balance, replayed
from wallet_topup(:'wallet_id', '11111111-0000-4000-8000-000000000001', 500, 'card 4711');

\echo A hold sets an amount aside; a capture spends part of it and lets the rest go.
select type, amount, balance, available from wallet_hold(:'wallet_id', '11111111-0000-4000-8000-000000000002', 300);
select type, amount, balance, available
from wallet_capture(
  :'wallet_id', '11111111-0000-4000-8000-000000000003', '11111111-0000-4000-8000-000000000002', 250, p_final => true
);

\echo More than there is: refused with a code, and nothing is written. A savepoint keeps the transaction.
\set VERBOSITY sqlstate
savepoint before_refusal;
select wallet_spend(:'wallet_id', '11111111-0000-4000-8000-000000000004', 5000);
rollback to before_refusal;

\echo A refund of a part.
select type, amount, balance
from wallet_refund(
  :'wallet_id', '11111111-0000-4000-8000-000000000005', '11111111-0000-4000-8000-000000000003', 100
);

\echo The history, newest first.
select seq, type, amount, balance, reference from wallet_entries(:'wallet_id');

\echo The ledger is sound: no row.
select * from wallet_verify();

rollback;
