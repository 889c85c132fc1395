create or replace function wallet.verification_holder()
returns integer
language sql
volatile
as $$
  select l.pid
  from pg_locks l
  join pg_database d on d.oid = l.database and d.datname = current_database()
  cross join (select wallet.verification_lock()) as k (key)
  where l.locktype = 'advisory' and l.granted and l.objsubid = 1
    and (l.classid::bigint, l.objid::bigint) = (k.key >> 32, k.key & 4294967295)
$$;

comment on function wallet.verification_holder() is
  'The backend that runs a verification, or has claimed the next; null: none. It ends with its transaction, however that ends.';
