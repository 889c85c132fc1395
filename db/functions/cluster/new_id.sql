-- The clock's milliseconds in 48 bits, version 8, the part of one that has passed in 12 bits, 50 random bits, and the
-- number of this database in 12: ids of one session ascend as far as the clock does. uuidv7() is of PostgreSQL 18.
create or replace function wallet.new_id()
returns uuid
language sql
volatile
as $$
  select (
    lpad(to_hex(t.microseconds / 1000 << 16 | x'8000'::bigint | t.microseconds % 1000 * 512 / 125), 16, '0')
    || substring(replace(gen_random_uuid()::text, '-', '') from 17 for 13) || substring(to_hex(4096 + s.number) from 2)
  )::uuid
  from wallet.shard s, (select (extract(epoch from clock_timestamp()) * 1000000)::bigint as microseconds) t
$$;

comment on function wallet.new_id() is
  'A new id of a user or wallet: ordered by time, unique over all databases of a cluster; number_of() tells whose it is.';
