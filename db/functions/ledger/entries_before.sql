create or replace function wallet.entries_before(
  p_wallet_id uuid,
  p_at timestamptz
)
returns bigint
language plpgsql
stable
as $$
declare
  v_entries bigint;
begin
  select e.entries into v_entries
  from wallet.entries_before_each(p_wallet_id, array[p_at]) e;
  return v_entries;
end;
$$;

comment on function wallet.entries_before(uuid, timestamptz) is
  'How many entries of a user wallet were recorded before p_at, which is also the seq of the last of them.';
