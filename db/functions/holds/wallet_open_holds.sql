-- A scrape of the metrics calls it. Counting reads a range of an index, so it ends at 10,000: vacuum keeps an estimate.
create or replace function public.wallet_open_holds()
returns bigint
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select case
    when count(*) < 10000 then count(*)
    else greatest(
      count(*), (select c.reltuples::bigint from pg_class c where c.oid = 'wallet.holds_due_idx'::regclass)
    )
  end
  from (
    select
    from wallet.holds h
    where h.status = 'open' and h.amount > 0 and h.expires_at > statement_timestamp()
    limit 10000
  ) h
$$;

comment on function public.wallet_open_holds() is
$$ How many holds are open: neither ended nor due. Exact below 10,000, above that an estimate as of the last vacuum. $$;
