create or replace function public.wallet_own_hold(
  p_wallet_id uuid,
  p_hold_txn_id uuid,
  p_actor uuid default null,
  p_key_id uuid default null
)
returns table (
  id bigint, wallet_id uuid, user_id uuid, username text, asset text, scale smallint, txn_id uuid, status text,
  amount bigint, captured bigint, remaining bigint, reference text, metadata jsonb, events jsonb,
  expires_at timestamptz, created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_hold_id bigint;
begin
  perform wallet.require_wallet(p_wallet_id, p_actor, p_key_id);
  select h.id into v_hold_id
  from wallet.holds h
  where h.wallet_id = p_wallet_id and h.txn_id = p_hold_txn_id;
  if not found then
    perform wallet.raise_error(
      'WA015', jsonb_build_object('field', 'hold_txn_id', 'reason', 'names no hold', 'hold_txn_id', p_hold_txn_id)
    );
  end if;

  return query
  select d.id, d.wallet_id, d.user_id, d.username, d.asset, d.scale, d.txn_id, d.status, d.amount, d.captured,
    d.remaining, d.reference, d.metadata, d.events, d.expires_at, d.created_at
  from wallet.described_hold(v_hold_id, clock_timestamp(), false) d;
end;
$$;

comment on function public.wallet_own_hold(uuid, uuid, uuid, uuid) is
$$ A hold of a user wallet and what happened to it: a row as wallet_inspect_hold() returns it, without keys.

p_hold_txn_id the txn_id of the hold
p_actor       the user on whose behalf it is called; null for an administrator alone
p_key_id      the key of a machine that acts for that user; null for none

Errors: WA001 unknown wallet; WA002 invalid argument; WA015 hold not found; WA047 not for this key. $$;
