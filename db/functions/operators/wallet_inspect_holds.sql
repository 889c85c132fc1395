create or replace function public.wallet_inspect_holds(
  p_wallet_id uuid,
  p_status text default null,
  p_limit integer default 50,
  p_before_id bigint default null,
  p_actor uuid default null
)
returns table (
  id bigint, txn_id uuid, status text, amount bigint, captured bigint, remaining bigint, reference text, metadata jsonb,
  expires_at timestamptz, created_at timestamptz
)
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select h.*
  from wallet.inspect(p_wallet_id, 'holds', p_actor) o (owner_id)
  cross join lateral public.wallet_holds(p_wallet_id, p_status, p_limit, p_before_id, o.owner_id) h
$$;

comment on function public.wallet_inspect_holds(uuid, text, integer, bigint, uuid) is
$$ Operators: a page of any user wallet's holds, and leaves on record that it was shown. Same arguments, rows and errors
as wallet_holds(), and WA027 for an actor who is no operator. $$;
