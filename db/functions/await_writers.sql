-- A writer locks the wallet, then reads the clock, and commits later. So whoever locks it after our look reads a later clock
-- than p_at, and whoever has it locked is waited for, without a lock of our own: two sessions that read and then write would
-- deadlock.
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
  v_patience interval := current_setting('lock_timeout')::interval;
  v_deadline timestamptz;
begin
  if pg_is_in_recovery() and p_at > coalesce(pg_last_xact_replay_timestamp(), '-infinity') then
    perform wallet.refuse('WA036', jsonb_build_object('at', p_at, 'replayed_until', pg_last_xact_replay_timestamp()));
  end if;
  v_deadline := clock_timestamp() + case when v_patience > interval '0' then v_patience else c_default end;
  while exists (
    select
    from (select wallet.unfinished_writers()) as l (writers)
    cross join unnest(p_wallet_ids) as i (id)
    join wallet.wallets w on w.id = i.id
    where wallet.is_locked(w.xmax, l.writers)
  ) loop
    if clock_timestamp() > v_deadline then
      perform wallet.refuse('WA036', jsonb_build_object('at', p_at));
    end if;
    perform pg_sleep(0.005);
  end loop;
end;
$$;

comment on function wallet.await_writers(uuid[], timestamptz) is
  'Returns when no unfinished writer of these wallets can still add an entry before p_at, which must not lie in the future. Waits at most lock_timeout, 5 seconds where there is none: WA036; on a standby also where p_at is past its replay.';
