create or replace function wallet.await_wallet(
  p_wallet_id uuid,
  p_at timestamptz
)
returns void
language plpgsql
volatile
as $$
begin
  perform wallet.require_read_committed();
  -- where an entry at or after p_at is visible, every later one is at or after it
  if not exists (select from wallet.newest_entry(p_wallet_id) n where n.recorded_at >= p_at) then
    perform wallet.await_writers(array[p_wallet_id], p_at);
  end if;
end;
$$;

comment on function wallet.await_wallet(uuid, timestamptz) is
  'Returns when what a wallet had before p_at is final. Errors: WA007 isolation level; WA036 not final yet.';
