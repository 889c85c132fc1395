create or replace function public.wallet_balance_at(
  p_wallet_id uuid,
  p_at timestamptz,
  p_actor uuid default null
)
returns table (wallet_id uuid, asset text, scale smallint, balance bigint, available bigint)
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
  perform wallet.require_read_committed();
  select r.asset, r.scale into v_asset, v_scale
  from wallet.require_wallet(p_wallet_id, p_actor) r;
  if p_at is null or not isfinite(p_at) then
    perform wallet.refuse('WA002', jsonb_build_object('field', 'at', 'reason', 'must be a moment in time'));
  elsif p_at > clock_timestamp() then
    perform wallet.refuse('WA002', jsonb_build_object('field', 'at', 'reason', 'must not be in the future', 'now', clock_timestamp()));
  end if;

  perform wallet.await_writers(p_wallet_id, p_at);

  select l.balance_after into v_balance
  from wallet.ledger l
  where l.wallet_id = p_wallet_id and l.seq = wallet.entries_before(p_wallet_id, p_at);
  return query select p_wallet_id, v_asset, v_scale, coalesce(v_balance, 0), coalesce(v_balance, 0);
end;
$$;

comment on function public.wallet_balance_at(uuid, timestamptz, uuid) is
$$ The balance of a user wallet at a moment: the sum of the entries recorded before p_at. The answer never changes later.

p_at    recorded time, not in the future
p_actor the user on whose behalf it is called; required of the service, null for an administrator

Takes O(log n) probes, and waits for an unfinished writer of the wallet where p_at is that recent.
Errors: WA001 unknown wallet; WA002 invalid argument, or a moment in the future. $$;
