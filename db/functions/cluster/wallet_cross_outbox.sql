create or replace function public.wallet_cross_outbox(
  p_after bigint,
  p_limit integer,
  p_ids bigint[] default null
)
returns table (
  transaction_id bigint, wallet_id uuid, to_wallet_id uuid, destination smallint, amount bigint, asset text,
  status text, code text, erasure text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  perform wallet.require_trust();
  if p_limit is null or p_limit not between 0 and 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'limit', 'reason', 'must be between 0 and 1000'));
  end if;

  return query
  select o.transaction_id, o.wallet_id, o.to_wallet_id, o.destination, t.amount, w.asset, o.status, o.code, o.erasure
  from (
    (
      select *
      from wallet.outbox x
      where p_ids is null and x.transaction_id > p_after
      order by x.transaction_id
      limit p_limit
    )
    union all
    select x.*
    from unnest(p_ids) as i (id)
    join wallet.outbox x on x.transaction_id = i.id
  ) o
  left join wallet.transactions t on t.id = o.transaction_id
  left join wallet.wallets w on w.id = o.wallet_id
  order by o.transaction_id;
end;
$$;

comment on function public.wallet_cross_outbox(bigint, integer, bigint[]) is
$$ Transfers to other databases, by number, as `pgwallet cluster verify` compares them with the inboxes there.

p_after, p_limit  the page after this number, 0 for the first, of at most 1,000
p_ids             only these, in place of a page

For administrators. Errors: WA002 invalid argument; WA035 administrators only. $$;
