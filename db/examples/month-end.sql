-- The reports of a period. An asset of its own keeps other people's data out of what this prints.
\set QUIET on
begin;
select code as asset from wallet_create_asset('EXA', 'Example points', 2::smallint) \gset
select user_id from wallet_register('example-member', 'no password: this one never signs in') \gset
select wallet_id from wallet_open(:'user_id', 'EXA') \gset
select count(*) as made
from wallet_batch(
  '{topup,spend,spend}', array[:'wallet_id', :'wallet_id', :'wallet_id']::uuid[],
  array['22222222-0000-4000-8000-000000000001', '22222222-0000-4000-8000-000000000002',
    '22222222-0000-4000-8000-000000000003']::uuid[],
  '{10000,2500,1250}', '{opening,rent,food}'
) \gset

\echo The volume by type. Amounts are minor units: the scale of this asset is 2.
select asset, type, transactions, amount from reporting.daily_volume where asset = 'EXA' order by type;

\echo A statement, with the balance before and after.
select line, type, amount, balance, reference
from wallet_statement(:'wallet_id', now() - interval '1 day', clock_timestamp());

\echo The trial balance: what users have is what came in, less what went out.
select account, entries, debit, credit, balance from wallet_trial_balance('EXA');
select asset, entries, credits, debits, difference from reporting.daily_trial_balance where asset = 'EXA';

\echo Who has most.
select place, username, balance from reporting.top_wallets where asset = 'EXA';

rollback;
