-- A UUID of version 7 as the server makes it, so that those of one session ascend, with another version and the
-- number of this database in place of the last 12 of its random bits; 50 are left.
create or replace function wallet.new_id()
returns uuid
language sql
volatile
as $$
  select overlay(
    overlay(uuidv7()::text placing '8' from 15) placing substring(to_hex(4096 + s.number) from 2) from 34
  )::uuid
  from wallet.shard s
$$;

comment on function wallet.new_id() is
  'A new id of a user or wallet: ordered by time, unique over all databases of a cluster; number_of() tells whose it is.';
