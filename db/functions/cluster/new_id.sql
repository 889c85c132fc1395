-- Laid out as a UUID of version 7, but of version 8, because the last 12 bits are no random ones: 48 bits of
-- milliseconds, version, 12 bits of their fraction, variant, 50 random bits, the number of this database.
create or replace function wallet.new_id()
returns uuid
language sql
volatile
as $$
  select encode(
    substring(int8send(m.micros / 1000) from 3)
      || substring(int8send(32768 + (m.micros % 1000) * 4096 / 1000) from 7)
      || substring(r.random from 9 for 6)
      || substring(int8send((get_byte(r.random, 6) & 15) * 4096 + s.number) from 7),
    'hex'
  )::uuid
  from (select (extract(epoch from clock_timestamp()) * 1000000)::bigint as micros) m,
    (select uuid_send(gen_random_uuid()) as random) r,
    wallet.shard s
$$;

comment on function wallet.new_id() is
  'A new id of a user or wallet: ordered by time, unique over all databases of a cluster; number_of() tells whose it is.';
