-- created_at never falls as seq rises, so a moment is found by halving: no time index, O(log n) probes.
create or replace function wallet.entries_before(
  p_wallet_id uuid,
  p_at timestamptz
)
returns bigint
language plpgsql
stable
as $$
declare
  v_low bigint := 0;
  v_high bigint;
  v_middle bigint;
  v_created_at timestamptz;
begin
  select coalesce(max(n.seq), 0) into v_high
  from wallet.newest_entry(p_wallet_id) n;

  -- invariant: entry v_low is before p_at (or 0), entry v_high + 1 is not (or does not exist)
  while v_low < v_high loop
    v_middle := (v_low + v_high + 1) / 2;
    select t.created_at into strict v_created_at
    from wallet.ledger l
    join wallet.transactions t on t.id = l.transaction_id
    where l.wallet_id = p_wallet_id and l.seq = v_middle;
    if v_created_at < p_at then
      v_low := v_middle;
    else
      v_high := v_middle - 1;
    end if;
  end loop;
  return v_low;
end;
$$;

comment on function wallet.entries_before(uuid, timestamptz) is
  'How many entries of a user wallet were recorded before p_at, which is also the seq of the last of them.';
