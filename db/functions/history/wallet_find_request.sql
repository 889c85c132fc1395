create or replace function public.wallet_find_request(
  p_wallet_id uuid,
  p_txn_id uuid,
  p_actor uuid default null,
  p_key_id uuid default null
)
returns table (transaction_id bigint, hold_txn_id uuid)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  perform wallet.require_wallet(p_wallet_id, p_actor, p_key_id);

  select t.id into transaction_id
  from wallet.transactions t
  where t.txn_id = p_txn_id and t.wallet_id = p_wallet_id;
  if not found then
    select h.txn_id into hold_txn_id
    from wallet.hold_events v
    cross join lateral (select x.txn_id from wallet.holds x where x.id = v.hold_id limit 1) h
    where v.wallet_id = p_wallet_id and v.txn_id = p_txn_id;
  end if;
  if not found then
    -- others can use the same txn_id, each in a wallet of theirs, so that not all of them are looked at
    select t.id into transaction_id
    from (
      select x.id, x.type, x.counterparty_id
      from wallet.transactions x
      where x.txn_id = p_txn_id
      limit 1000
    ) t
    where t.type = 'transfer' and t.counterparty_id = p_wallet_id
    limit 1;
  end if;
  if found then
    return next;
  end if;
end;
$$;

comment on function public.wallet_find_request(uuid, uuid, uuid, uuid) is
$$ What is on record for a txn_id: transaction_id of what the wallet requested, or of a transfer that it received, or
hold_txn_id, the hold that was placed or voided with it. No row where there is nothing.

p_actor the user on whose behalf it is called; null for an administrator alone
p_key_id the key of a machine that acts for that user; null for none

Errors: WA001 unknown wallet; WA002 invalid argument; WA047 not for this key. $$;
