-- An idle primary writes nothing, so the time of the last replayed commit says nothing about a standby's age; and what
-- is received and replayed says nothing while the connection is down. The caller compares positions of both servers:
-- what the primary had answered before it told its position is on every standby that has replayed up to there.
create or replace function public.wallet_wal_position()
returns table (is_standby boolean, wal_position bigint, epoch integer)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_service();

  is_standby := pg_is_in_recovery();
  wal_position := case when is_standby then pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end - '0/0'::pg_lsn;
  select e.token into epoch
  from wallet.event_epochs e
  order by e.id desc
  limit 1;
  if not is_standby then
    select e.token into epoch
    from wallet.history_line() h
    left join wallet.event_epochs e
      on (e.token, e.system_id, e.timeline) = (epoch, h.system_id, h.timeline);
  end if;
  return next;
end;
$$;

comment on function public.wallet_wal_position() is
$$ How far the write-ahead log goes that this server has: on a primary, what is on its disk; on a standby, what it has
replayed. A standby has all that a primary had answered before it told a position that the standby has reached, where
both tell the same epoch.

Returns is_standby; wal_position in bytes; and epoch, the line of history, null on a primary while wallet_event_mark()
has not noted it.
Takes no lock. Works in read-only transactions, and on a standby.
Errors: WA035 the service and administrators only. $$;
