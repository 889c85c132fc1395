create or replace function public.wallet_names(
  p_wallet_ids uuid[]
)
returns table (wallet_id uuid, username text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_service();
  if cardinality(p_wallet_ids) > 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'wallet_ids', 'reason', 'must be at most 1000'));
  end if;
  return query
  select w.id, u.username
  from wallet.wallets w
  join wallet.users u on u.id = w.owner_id
  where w.id = any (p_wallet_ids);
end;
$$;

comment on function public.wallet_names(uuid[]) is
$$ For the service: the names of the owners of these wallets, at most 1,000, which users of other databases see in
their history. No row for a wallet that is not here.

Errors: WA002 invalid argument; WA035 the service and administrators only. $$;
