create or replace function public.wallet_inspect_hold(
  p_hold_id bigint,
  p_actor uuid default null
)
returns table (
  id bigint, wallet_id uuid, user_id uuid, username text, asset text, scale smallint, txn_id uuid, status text,
  amount bigint, captured bigint, remaining bigint, reference text, metadata jsonb, events jsonb,
  expires_at timestamptz, created_at timestamptz, key jsonb
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_now constant timestamptz := clock_timestamp();
  v_wallet_id uuid;
begin
  perform wallet.require_operator(p_actor);
  if p_hold_id is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'hold_id', 'reason', 'must not be null'));
  end if;
  select h.wallet_id into v_wallet_id
  from wallet.holds h
  where h.id = p_hold_id;
  if not found then
    perform wallet.raise_error(
      'WA015', jsonb_build_object('field', 'hold_id', 'reason', 'names no hold', 'hold_id', p_hold_id)
    );
  end if;

  perform wallet.inspect(v_wallet_id, 'hold', p_actor);
  return query
  select d.*
  from wallet.described_hold(p_hold_id, v_now, true) d;
end;
$$;

comment on function public.wallet_inspect_hold(bigint, uuid) is
$$ Operators: a hold, and leaves on record that its owner was shown.

p_hold_id the server's number of it, as wallet_search() finds it
p_actor   the operator; null for an administrator

remaining is what it still sets aside. events is an array of what happened to it, newest first, at most 100: event
(hold, capture, void, expired), txn_id of the request and the balance and available after it (null for expired), amount
set aside, taken or released, transaction_id (of a capture), created_at, key. A key is that of the machine that did it:
id, name, prefix; null where none did. Amounts are minor units of asset.
Errors: WA002 invalid argument; WA015 hold not found; WA027 operators only. $$;
