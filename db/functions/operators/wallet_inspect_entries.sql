create or replace function public.wallet_inspect_entries(
  p_wallet_id uuid,
  p_limit integer default 50,
  p_before_seq bigint default null,
  p_type text default null,
  p_from timestamptz default null,
  p_to timestamptz default null,
  p_reference text default null,
  p_actor uuid default null
)
returns table (
  seq bigint, id bigint, txn_id uuid, type text, amount bigint, balance bigint, reference text, metadata jsonb,
  counterparty_wallet_id uuid, counterparty_username text, effective_at timestamptz, created_at timestamptz,
  key jsonb
)
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select e.*, wallet.key_of(e.id)
  from wallet.inspect(p_wallet_id, 'transactions', p_actor) o (owner_id)
  cross join lateral public.wallet_entries(
    p_wallet_id, p_limit, p_before_seq, p_type, p_from, p_to, p_reference, o.owner_id
  ) e
$$;

comment on function public.wallet_inspect_entries(
  uuid, integer, bigint, text, timestamptz, timestamptz, text, uuid
) is
$$ Operators: a page of any user wallet's history, and leaves on record that it was shown. Same arguments, rows and
errors as wallet_entries(), and WA027 for an actor who is no operator; key says which machine made the transaction:
id, name and prefix of its key, null where none did. $$;
