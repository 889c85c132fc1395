-- pg_locks has xids of 32 bits. Those under way are less than 2^31 away from the snapshot's: the nearest one is meant.
create or replace function public.wallet_fence_holders(
  p_fence bigint
)
returns table (pid integer, gid text, login text, application text, database text, since timestamptz)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  perform wallet.require_service();
  if public.wallet_event_settled(p_fence) then
    return;
  end if;

  return query
  select h.pid, p.gid, coalesce(a.usename, p.owner)::text, nullif(a.application_name, ''),
    coalesce(a.datname, p.database)::text, coalesce(a.xact_start, p.prepared)
  from (
    select l.pid, s.next + (l.transactionid::text::bigint - s.next + 2147483648 & 4294967295) - 2147483648 as xid
    from pg_locks l
    cross join (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) s (next)
    where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
  ) h
  left join pg_stat_activity a on a.pid = h.pid
  left join pg_prepared_xacts p on h.pid is null and p.transaction::text::bigint = h.xid & 4294967295
  where h.xid <= p_fence
  group by 1, 2, 3, 4, 5, 6
  order by min(h.xid);
end;
$$;

comment on function public.wallet_fence_holders(bigint) is
$$ Who holds a fence of wallet_event_mark() back, the oldest first: each session (pid) or prepared transaction (gid) of
the cluster, in any database, that is not finished and whose xid is not after the fence. None once it has passed.

since is when the transaction began, or was prepared. It is null for a session, unless wallet_owner has
pg_read_all_stats: an administrator finds it in pg_stat_activity by the pid.
Errors: WA002 invalid argument; WA035 the service and administrators only. $$;
