create or replace function public.wallet_entries(
  p_wallet_id uuid,
  p_limit integer default 50,
  p_before_seq bigint default null,
  p_actor uuid default null
)
returns table (
  seq bigint,
  id bigint,
  txn_id uuid,
  type text,
  amount bigint,
  balance bigint,
  reference text,
  metadata jsonb,
  created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
begin
  perform wallet.require_wallet(p_wallet_id, p_actor);
  if p_limit is null or p_limit not between 1 and 1000 then
    perform wallet.refuse('WA002', jsonb_build_object('field', 'limit', 'reason', 'must be between 1 and 1000'));
  end if;

  return query
  select l.seq, t.id, t.txn_id, t.type::text, l.amount, l.balance_after, d.reference, d.metadata, t.created_at
  from wallet.ledger l
  join wallet.transactions t on t.id = l.transaction_id
  left join wallet.transaction_details d on d.transaction_id = t.id
  where l.wallet_id = p_wallet_id and l.seq < coalesce(p_before_seq, 9223372036854775807)
  order by l.seq desc
  limit p_limit;
end;
$$;

comment on function public.wallet_entries(uuid, integer, bigint, uuid) is
$$ The history of a user wallet, newest first, a page at a time.

p_limit      entries in the page, 1 to 1000
p_before_seq the seq of the last entry of the page before; null for the newest page. Pages stay as they are while new
             entries arrive
p_actor      the user on whose behalf it is called; required of the service, null for an administrator

amount is signed and balance the one after the entry, in minor units of the wallet's asset.
Errors: WA001 unknown wallet; WA002 invalid argument. $$;
