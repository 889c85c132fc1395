-- Top-ups against a bank's file: each line of the file should be one top-up, whose reference is the bank's.
\set QUIET on
begin;
select user_id, wallet_id from wallet_register('example-payer', 'no password: this one never signs in') \gset
select count(*) as made
from wallet_batch(
  '{topup,topup,topup,topup}', array_fill(:'wallet_id'::uuid, array[4]),
  array['33333333-0000-4000-8000-000000000001', '33333333-0000-4000-8000-000000000002',
    '33333333-0000-4000-8000-000000000003', '33333333-0000-4000-8000-000000000004']::uuid[],
  '{100,250,75,75}', '{BANK-1,BANK-2,BANK-3,BANK-3}'
) \gset

-- as \copy would fill it from the bank's file
create temp table bank_file (reference text, amount bigint);
insert into bank_file values ('BANK-1', 100), ('BANK-2', 200), ('BANK-3', 75), ('BANK-4', 60);

\echo What the bank and the ledger say of each reference.
with booked as (
  select e.reference, count(*) as times, sum(e.amount) as amount
  from wallet_entries(:'wallet_id', 1000, p_type => 'topup') e
  where e.reference is not null
  group by e.reference
)
select coalesce(f.reference, b.reference) as reference, f.amount as bank, b.amount as ledger, coalesce(b.times, 0) as times,
  case
    when b.reference is null then 'missing: credit it'
    when f.reference is null then 'unknown to the bank'
    when b.times > 1 then 'double: take one back'
    when b.amount <> f.amount then 'another amount'
    else 'match'
  end as verdict
from bank_file f
full join booked b on b.reference = f.reference
order by 1;

\echo The missing one is credited, by an id made from its reference: again it changes nothing.
select type, amount, balance, replayed
from wallet_topup(:'wallet_id', md5('BANK-4')::uuid, 60, 'BANK-4');
select type, amount, balance, replayed
from wallet_topup(:'wallet_id', md5('BANK-4')::uuid, 60, 'BANK-4');

\echo The double one is taken back, and says why.
select amount, balance
from wallet_adjust(:'wallet_id', '33333333-0000-4000-8000-000000000005', -75, 'BANK-3 was credited twice');

rollback;
