-- A writer locks the wallet, then reads the clock, and commits later. Whoever locks it after we looked reads a clock
-- later than p_at, so only those who hold it when we look are waited for. We take no lock of our own, because two
-- sessions that read and then write would deadlock. A locked row holds the id of the locking transaction; a
-- subtransaction counts as unfinished until its whole transaction is finished.
create or replace function wallet.await_writers(
  p_wallet_ids uuid[],
  p_at timestamptz
)
returns void
language plpgsql
volatile
as $$
declare
  c_default constant interval := '5 seconds';
  c_pause constant interval := '5 milliseconds';
  v_patience interval := current_setting('lock_timeout')::interval;
  v_looked_at timestamptz;
  v_writers xid8[];
begin
  if pg_is_in_recovery() and p_at > coalesce(pg_last_xact_replay_timestamp(), '-infinity') then
    perform wallet.raise_error('WA036', jsonb_build_object('at', p_at, 'replayed_until', pg_last_xact_replay_timestamp()));
  end if;
  if v_patience = interval '0' then
    v_patience := c_default;
  end if;
  v_writers := wallet.lockers(p_wallet_ids);
  loop
    v_looked_at := clock_timestamp();
    v_writers := wallet.unfinished(v_writers);
    exit when cardinality(v_writers) = 0;
    if v_patience <= interval '0' then
      perform wallet.raise_error('WA036', jsonb_build_object('at', p_at));
    end if;
    perform pg_sleep_for(c_pause);
    -- measured in steps of at most a second, because a clock that is set back must not make it wait for hours
    v_patience := v_patience - least(greatest(clock_timestamp() - v_looked_at, c_pause), interval '1 second');
  end loop;
end;
$$;

comment on function wallet.await_writers(uuid[], timestamptz) is
  'Returns when no unfinished writer of these wallets, null for all that there are, can still add an entry before p_at, which must not lie in the future. Waits at most lock_timeout, 5 seconds where there is none: WA036; on a standby also where p_at is past its replay.';
