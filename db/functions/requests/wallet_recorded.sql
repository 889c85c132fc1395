create or replace function public.wallet_recorded(
  p_wallet_id uuid,
  p_txn_ids uuid[],
  p_actor uuid default null
)
returns uuid[]
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_wallet(p_wallet_id, p_actor, null);
  if cardinality(p_txn_ids) > 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'txn_ids', 'reason', 'must be at most 1000'));
  end if;

  return array(
    select i.txn_id
    from unnest(p_txn_ids) as i (txn_id)
    cross join lateral (
      select
      from wallet.transactions t
      where t.wallet_id = p_wallet_id and t.txn_id = i.txn_id
      limit 1
    ) t
  );
end;
$$;

comment on function public.wallet_recorded(uuid, uuid[], uuid) is
$$ Which of these txn_ids are on record as transactions of a wallet. Once on record is always on record: whoever sends
such a request again gets its first result, whatever has changed since.

p_txn_ids at most 1,000
p_actor   the user on whose behalf it is called; null for an administrator alone

Errors: WA001 unknown wallet; WA002 invalid argument. $$;
