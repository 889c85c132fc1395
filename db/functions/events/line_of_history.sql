create or replace function wallet.line_of_history()
returns table (system_id text, timeline text)
language sql
volatile
as $$
  -- with the numbers of database and table: a dump that is restored into the same cluster has others
  select concat_ws('/', c.system_identifier, d.oid, 'wallet.event_epochs'::regclass::oid),
    left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
  from pg_control_system() c
  join pg_database d on d.datname = current_database()
$$;

comment on function wallet.line_of_history() is
  'What a restore, a failover or a copy of the database changes: which files these are, and their timeline. Not on a standby.';
