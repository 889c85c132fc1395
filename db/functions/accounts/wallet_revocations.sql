-- "Ids above N" would miss rows, because a row may become visible after one with a higher id. What commits after this
-- snapshot was written by a transaction at or above its xmin, so the next call starts there.
create or replace function public.wallet_revocations(
  p_since bigint
)
returns table (next bigint, ids bigint[], user_ids uuid[])
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
    coalesce(array_agg(r.id), '{}'),
    coalesce(array_agg(r.user_id), '{}')
  from wallet.revocations r
  where r.transaction >= p_since::text::xid8
$$;

comment on function public.wallet_revocations(bigint) is
$$ Whose tokens were revoked since an earlier call: ids of the revocations and, in the same order, of the users;
and which keys were, whose ids are among those of users.

p_since `next` of that call; null for the first one, which returns none

One row. A revocation can be returned by several calls, and none is left out. $$;
