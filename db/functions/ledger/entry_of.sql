-- A transaction's id is drawn under the locks of its wallets, so in a wallet it rises with seq: halving finds the entry
-- without an index that every top-up would pay for.
create or replace function wallet.entry_of(
  p_wallet_id uuid,
  p_transaction_id bigint
)
returns bigint
language plpgsql
stable
as $$
declare
  v_low bigint := 0;
  v_high bigint;
  v_probe bigint;
  v_id bigint;
begin
  select l.seq into v_high
  from wallet.ledger l
  where l.wallet_id = p_wallet_id
  order by l.seq desc
  limit 1;

  -- invariant: entry v_low is of an earlier transaction, entry v_high of this one or a later one, if it is there at all
  while v_high - v_low > 1 loop
    v_probe := (v_low + v_high) / 2;
    select l.transaction_id into v_id
    from wallet.ledger l
    where l.wallet_id = p_wallet_id and l.seq = v_probe;
    if v_id < p_transaction_id then
      v_low := v_probe;
    else
      v_high := v_probe;
    end if;
  end loop;
  return v_high;
end;
$$;

comment on function wallet.entry_of(uuid, bigint) is
  'The seq of the entry that a transaction has in a user wallet; where it has none, that of another entry, null in an empty wallet. O(log n) probes.';
