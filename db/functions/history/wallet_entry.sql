create or replace function public.wallet_entry(
  p_wallet_id uuid,
  p_transaction_id bigint,
  p_actor uuid default null,
  p_key_id uuid default null
)
returns table (
  seq bigint, id bigint, txn_id uuid, type text, amount bigint, balance bigint, reference text, metadata jsonb,
  counterparty_wallet_id uuid, counterparty_username text, effective_at timestamptz, created_at timestamptz,
  receipt text, refundable bigint, hold_txn_id uuid
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
  v_transaction wallet.transactions;
  v_seq bigint;
begin
  perform wallet.require_wallet(p_wallet_id, p_actor, p_key_id);
  v_seq := wallet.entry_place(p_wallet_id, p_transaction_id);
  select t.* into v_transaction
  from wallet.transactions t
  where t.id = p_transaction_id;

  return query
  select e.*,
    (select encode(l.hash, 'hex') from wallet.ledger l where l.wallet_id = p_wallet_id and l.seq = v_seq),
    case when e.type in ('spend', 'capture') then wallet.left_to_refund(v_transaction) end,
    case when e.type = 'capture' then (
      select h.txn_id
      from (select v.hold_id from wallet.hold_events v where v.transaction_id = e.id limit 1) v
      cross join lateral (select x.txn_id from wallet.holds x where x.id = v.hold_id limit 1) h
    ) end
  from wallet.described_entries(p_wallet_id, v_seq, v_seq) e;
  if not found then
    perform wallet.raise_error('WA028', jsonb_build_object('transaction_id', p_transaction_id));
  end if;
end;
$$;

comment on function public.wallet_entry(uuid, bigint, uuid, uuid) is
$$ One entry of a user wallet, by the server's number of its transaction: a row as wallet_entries() returns it, also of
a transfer that was received, with

receipt     of this entry, in lower-case hex: of a transaction that the wallet requested, the one that was answered
refundable  what is left to refund of a spend or capture, in minor units; null for others
hold_txn_id the hold of a capture; null for others

p_actor the user on whose behalf it is called; null for an administrator alone
p_key_id the key of a machine that acts for that user; null for none

Takes O(log n) probes, and is linear in the refunds of the transaction.
Errors: WA001 unknown wallet; WA002 invalid argument; WA028 unknown transaction: it has no entry in this wallet;
WA047 not for this key. $$;
