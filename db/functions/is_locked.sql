-- Whoever locks a row leaves its transaction's id in it, and holds that id's lock until it ends. A standby has no such locks:
-- there, whatever is at or after the oldest id that its snapshot takes for unfinished (ids count modulo 2^32).
create or replace function wallet.is_locked(
  p_xmax xid,
  p_unfinished xid[]
)
returns boolean
language sql
volatile
as $$
  select p_xmax <> '0'::xid and case
    when pg_is_in_recovery()
      then (p_xmax::text::bigint - pg_snapshot_xmin(pg_current_snapshot())::text::bigint) & 4294967295 < 2147483648
    else coalesce(p_xmax = any (p_unfinished), false)
  end
$$;

comment on function wallet.is_locked(xid, xid[]) is
  'True while another session''s transaction is unfinished that locked a row, given the row''s xmax and wallet.unfinished_writers(). Takes no lock: it also works in read-only transactions and on a standby.';
