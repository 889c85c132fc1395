create or replace function wallet.verification_lock()
returns bigint
language sql
immutable
as $$
  select 8099573805240969574
$$;

comment on function wallet.verification_lock() is 'The advisory lock of the one verification that operators started and that runs: the bytes of "pgwverif".';
