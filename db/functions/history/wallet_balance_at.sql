create or replace function public.wallet_balance_at(
  p_wallet_id uuid,
  p_at timestamptz,
  p_actor uuid default null,
  p_key_id uuid default null
)
returns table (wallet_id uuid, asset text, scale smallint, balance bigint, at timestamptz)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_asset text;
  v_scale smallint;
  v_balance bigint;
begin
  select r.asset, r.scale into v_asset, v_scale
  from wallet.require_wallet(p_wallet_id, p_actor, p_key_id) r;
  perform wallet.require_past('at', p_at);

  perform wallet.await_wallet(p_wallet_id, p_at);

  select l.balance_after into v_balance
  from wallet.ledger l
  where l.wallet_id = p_wallet_id and l.seq = wallet.entries_before(p_wallet_id, p_at);
  return query select p_wallet_id, v_asset, v_scale, coalesce(v_balance, 0), p_at;
end;
$$;

comment on function public.wallet_balance_at(uuid, timestamptz, uuid, uuid) is
$$ The balance of a user wallet at a moment: the sum of the entries recorded before p_at. The answer does
not change later, unless the clock is set back to before p_at and the wallet has no entry at or after p_at yet.

p_at    recorded time, not in the future
p_actor the user on whose behalf it is called; null for an administrator alone
p_key_id the key of a machine that acts for that user; null for none

Takes O(log n) probes and no lock. Where p_at is that recent it waits for an unfinished writer of the wallet, at most
lock_timeout. Works in read-only transactions; on a standby for moments that it has replayed.
Errors: WA001 unknown wallet; WA002 invalid argument; WA007 isolation level; WA023 a moment in the future; WA036 not
final yet: try again; WA047 not for this key. $$;
