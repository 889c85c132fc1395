-- With a filter a page examines a bounded number of entries, so that no call costs as much as the whole history.
create or replace function public.wallet_entries(
  p_wallet_id uuid,
  p_limit integer default 50,
  p_before_seq bigint default null,
  p_type text default null,
  p_from timestamptz default null,
  p_to timestamptz default null,
  p_reference text default null,
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
set enable_sort = off
as $$
#variable_conflict use_column
declare
  c_examined constant bigint := 1000;
  v_low bigint := 1;
  v_high bigint;
  v_reach bigint;
  v_found bigint;
begin
  perform wallet.require_wallet(p_wallet_id, p_actor, p_key_id);
  if p_limit is null or p_limit not between 1 and 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'limit', 'reason', 'must be between 1 and 1000'));
  elsif p_before_seq < 1 then
    perform wallet.raise_error('WA024', jsonb_build_object('field', 'cursor'));
  end if;

  select coalesce(max(n.seq), 0) into v_high
  from wallet.newest_entry(p_wallet_id) n;
  v_high := least(v_high, p_before_seq - 1);
  if p_to is not null then
    v_high := least(v_high, wallet.entries_before(p_wallet_id, p_to));
  end if;
  if p_from is not null then
    v_low := wallet.entries_before(p_wallet_id, p_from) + 1;
  end if;
  v_reach := v_low;
  if p_type is not null or p_reference is not null then
    v_reach := greatest(v_low, v_high - c_examined + 1);
  end if;

  return query
  select e.*
  from wallet.described_entries(p_wallet_id, v_reach, v_high) e
  where (p_type is null or e.type = p_type) and (p_reference is null or e.reference = p_reference)
  order by e.seq desc
  limit p_limit;
  get diagnostics v_found = row_count;
  if v_found < p_limit and v_reach > v_low then
    seq := v_reach;
    return next;
  end if;
end;
$$;

comment on function public.wallet_entries(uuid, integer, bigint, text, timestamptz, timestamptz, text, uuid, uuid) is
$$ The history of a user wallet, newest first, a page at a time.

p_limit      entries in the page, 1 to 1000
p_before_seq the seq of the last row of the page before; null for the newest page. Pages stay as they are while new
             entries arrive
p_type, p_reference  only entries of this type, with exactly this reference
p_from, p_to only entries recorded at or after p_from and before p_to
p_actor      the user on whose behalf it is called; null for an administrator alone
p_key_id     the key of a machine that acts for that user; null for none

amount is signed and balance the one after the entry, in minor units of the wallet's asset; counterparty is the other
side of a transfer. With p_type or p_reference a page examines 1,000 entries: where it stops before the end, its last
row has a seq and nothing else, and the next page goes on from there.
Errors: WA001 unknown wallet; WA002 invalid argument; WA024 invalid cursor; WA047 not for this key. $$;
