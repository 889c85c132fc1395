-- With the numbers of database and table: a dump that is restored into the same cluster has others.
create or replace function wallet.history_line()
returns table (system_id text, timeline text)
language sql
volatile
as $$
  select concat_ws('/', c.system_identifier, d.oid, 'wallet.event_epochs'::regclass::oid),
    left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
  from pg_control_system() c
  join pg_database d on d.datname = current_database()
$$;

comment on function wallet.history_line() is
  'What tells one line of history of this database from another: a restore, a failover or a copy has another one.';
