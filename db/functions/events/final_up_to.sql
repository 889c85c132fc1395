-- Whoever has drawn an id up to v_up_to had an xid before, and holds its lock until the end. A snapshot would not do:
-- it knows no xid that is newer than the last one that ended. Our own transaction cannot be waited for.
create or replace function wallet.final_up_to()
returns bigint
language plpgsql
volatile
as $$
declare
  c_default constant interval := '5 seconds';
  c_pause constant interval := '5 milliseconds';
  v_up_to constant bigint := wallet.drawn_up_to();
  v_patience interval := current_setting('lock_timeout')::interval;
  v_running xid[];
begin
  if v_patience = interval '0' then
    v_patience := c_default;
  end if;
  v_running := array(
    select l.transactionid
    from pg_locks l
    where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
      and l.pid is distinct from pg_backend_pid()
  );
  while exists (
    select from pg_locks l where l.transactionid = any (v_running) and l.mode = 'ExclusiveLock' and l.granted
  ) loop
    if v_patience <= interval '0' then
      perform wallet.raise_error('WA036', jsonb_build_object('up_to', v_up_to));
    end if;
    perform pg_sleep_for(c_pause);
    v_patience := v_patience - c_pause;
  end loop;
  return v_up_to;
end;
$$;

comment on function wallet.final_up_to() is
  'The newest id that was drawn, once all that had drawn one are finished: whatever is committed later has a higher one. Waits at most lock_timeout, 5 seconds where there is none: WA036.';
