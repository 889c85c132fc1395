-- Whoever has drawn an id up to v_up_to has an xid, and is finished or in the snapshot that is taken after it. Only our
-- own transaction cannot be waited for: what it has written is no news to it.
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
  v_running xid8[];
begin
  if v_patience = interval '0' then
    v_patience := c_default;
  end if;
  v_running := array(
    select x.id
    from pg_snapshot_xip(pg_current_snapshot()) x (id)
    where x.id is distinct from pg_current_xact_id_if_assigned()
  );
  while exists (select from unnest(v_running) r (id) where pg_xact_status(r.id) = 'in progress') loop
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
