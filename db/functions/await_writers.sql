-- A writer stamps its entry under the lock and commits later. Where an entry at or after p_at is visible, every later
-- writer stamps at or after it, so nothing before p_at can still appear. Otherwise the lock is waited for: whoever
-- takes it after us stamps at or after the time it is then, which is at or after p_at.
create or replace function wallet.await_writers(
  p_wallet_id uuid,
  p_at timestamptz
)
returns void
language plpgsql
volatile
as $$
begin
  perform from wallet.newest_entry(p_wallet_id) n where n.created_at >= p_at;
  if not found then
    perform from wallet.wallets w where w.id = p_wallet_id for key share;
  end if;
end;
$$;

comment on function wallet.await_writers(uuid, timestamptz) is
  'Returns when no unfinished writer can still add an entry before p_at, which must not lie in the future.';
