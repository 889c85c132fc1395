-- An entry's time never falls as seq rises, so a moment is found by probing, without an index on time. The next probe
-- is where the moment would lie if entries came evenly: a few probes mostly. Every third probe halves, so that it
-- takes O(log n) however they came.
create or replace function wallet.entries_before(
  p_wallet_id uuid,
  p_at timestamptz
)
returns bigint
language plpgsql
stable
as $$
declare
  v_low bigint := 1;
  v_low_at timestamptz;
  v_high bigint;
  v_high_at timestamptz;
  v_probe bigint;
  v_probe_at timestamptz;
  v_probes integer := 0;
begin
  select n.seq, n.recorded_at into v_high, v_high_at
  from wallet.newest_entry(p_wallet_id) n;
  if v_high is null then
    return 0;
  elsif v_high_at < p_at then
    return v_high;
  end if;
  v_low_at := wallet.entry_recorded_at(p_wallet_id, 1);
  if v_low_at >= p_at then
    return 0;
  end if;

  -- invariant: entry v_low is before p_at, entry v_high is not
  while v_high - v_low > 1 loop
    v_probes := v_probes + 1;
    v_probe := case
      when v_probes % 3 = 0 then (v_low + v_high) / 2
      else v_low + (
        (v_high - v_low) * (extract(epoch from p_at - v_low_at) / extract(epoch from v_high_at - v_low_at))
      )::bigint
    end;
    v_probe := least(greatest(v_probe, v_low + 1), v_high - 1);
    v_probe_at := wallet.entry_recorded_at(p_wallet_id, v_probe);
    if v_probe_at < p_at then
      v_low := v_probe;
      v_low_at := v_probe_at;
    else
      v_high := v_probe;
      v_high_at := v_probe_at;
    end if;
  end loop;
  return v_low;
end;
$$;

comment on function wallet.entries_before(uuid, timestamptz) is
  'How many entries of a user wallet were recorded before p_at, which is also the seq of the last of them.';
