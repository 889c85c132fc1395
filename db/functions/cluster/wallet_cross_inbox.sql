create or replace function public.wallet_cross_inbox(
  p_after bigint,
  p_limit integer,
  p_ids bigint[] default null
)
returns table (
  origin_id bigint, from_wallet_id uuid, to_wallet_id uuid, amount bigint, asset text, code text,
  transaction_id bigint, is_erased boolean
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
  select o.origin_id, o.from_wallet_id, o.to_wallet_id, o.amount, o.asset, o.code, o.transaction_id, o.is_erased
  from (
    (
      select *
      from wallet.inbox x
      where p_ids is null and x.origin_id > p_after
      order by x.origin_id
      limit p_limit
    )
    union all
    select x.*
    from unnest(p_ids) as i (id)
    join wallet.inbox x on x.origin_id = i.id
  ) o
  order by o.origin_id;
end;
$$;

comment on function public.wallet_cross_inbox(bigint, integer, bigint[]) is
$$ What this database has decided about transfers from others, by the sender's number, as `pgwallet cluster verify`
compares it with the outboxes there.

p_after, p_limit  the page after this number, 0 for the first, of at most 1,000
p_ids             only these, in place of a page

For administrators. Errors: WA002 invalid argument; WA035 administrators only. $$;
