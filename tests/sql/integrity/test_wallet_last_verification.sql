-- What the metrics show of the last verification.
select plan(4);

select is_empty('select * from wallet_last_verification()', 'without a verification there is none');
select wallet_record_verification(3, 12.5);
select wallet_record_verification(0, 1.5);
select results_eq(
  'select violations, seconds from wallet_last_verification()', 'values (0::bigint, 1.5::double precision)', 'the last one shows'
);
select ok((select age_seconds between 0 and 60 from wallet_last_verification()), 'with its age');
select throws_ok('select wallet_record_verification(-1, 1)', 'WA002', null, 'there is no negative number of violations');
select * from finish();
