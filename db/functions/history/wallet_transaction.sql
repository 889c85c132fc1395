create or replace function public.wallet_transaction(
  p_wallet_id uuid,
  p_txn_id uuid,
  p_actor uuid default null,
  p_key_id uuid default null
)
returns table (
  seq bigint, id bigint, txn_id uuid, type text, amount bigint, balance bigint, reference text, metadata jsonb,
  counterparty_wallet_id uuid, counterparty_username text, effective_at timestamptz, created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_seq bigint;
begin
  perform wallet.require_wallet(p_wallet_id, p_actor, p_key_id);
  select t.seq into v_seq
  from wallet.transactions t
  where t.wallet_id = p_wallet_id and t.txn_id = p_txn_id;
  if not found then
    perform wallet.raise_error('WA028', jsonb_build_object('txn_id', p_txn_id));
  end if;

  return query
  select e.*
  from wallet.described_entries(p_wallet_id, v_seq, v_seq) e;
end;
$$;

comment on function public.wallet_transaction(uuid, uuid, uuid, uuid) is
$$ One transaction of a user wallet, by the txn_id it was requested with: a row as wallet_entries() returns it. A
transfer is found in the sender's wallet.

p_actor the user on whose behalf it is called; null for an administrator alone
p_key_id the key of a machine that acts for that user; null for none

Errors: WA001 unknown wallet; WA002 invalid argument; WA028 unknown transaction; WA047 not for this key. $$;
