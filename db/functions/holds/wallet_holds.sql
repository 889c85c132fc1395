create or replace function public.wallet_holds(
  p_wallet_id uuid,
  p_status text default null,
  p_limit integer default 50,
  p_before_id bigint default null,
  p_actor uuid default null,
  p_key_id uuid default null
)
returns table (
  id bigint, txn_id uuid, status text, amount bigint, captured bigint, remaining bigint, reference text, metadata jsonb,
  expires_at timestamptz, created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_now constant timestamptz := clock_timestamp();
  v_before_id constant bigint := coalesce(p_before_id, 9223372036854775807);
begin
  perform wallet.require_wallet(p_wallet_id, p_actor, p_key_id);
  if p_limit is null or p_limit not between 1 and 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'limit', 'reason', 'must be between 1 and 1000'));
  elsif p_status not in ('open', 'expired', 'captured', 'voided') then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'status', 'reason', 'must be open, expired, captured or voided'));
  elsif p_before_id < 1 then
    perform wallet.raise_error('WA024', jsonb_build_object('field', 'cursor'));
  end if;

  return query
  select h.id, h.txn_id, s.status, h.amount, h.captured, case s.status when 'open' then h.amount - h.captured else 0 end,
    h.reference, h.metadata, h.expires_at, h.created_at
  from (
    -- each part reads a range of an index: for one status at most the page and the wallet's open holds
    (
      select l.*
      from wallet.holds l
      where p_status is null and l.wallet_id = p_wallet_id and l.id < v_before_id
      order by l.id desc
      limit p_limit
    )
    union all
    (
      select l.*
      from wallet.holds l
      where l.wallet_id = p_wallet_id and l.status = p_status and p_status <> 'open' and l.id < v_before_id
      order by l.id desc
      limit p_limit
    )
    union all
    select l.*
    from wallet.holds l
    where l.wallet_id = p_wallet_id and l.status = 'open' and p_status in ('open', 'expired') and l.id < v_before_id
      and (l.expires_at > v_now) = (p_status = 'open')
  ) h
  cross join lateral (
    select case when h.status = 'open' and h.expires_at <= v_now then 'expired' else h.status end
  ) as s (status)
  order by h.id desc
  limit p_limit;
end;
$$;

comment on function public.wallet_holds(uuid, text, integer, bigint, uuid, uuid) is
$$ The holds of a user wallet, newest first, a page at a time.

p_status    only open, expired, captured or voided ones
p_limit     holds in the page, 1 to 1000
p_before_id the id of the last hold of the page before; null for the newest page
p_actor     the user on whose behalf it is called; null for an administrator alone
p_key_id    the key of a machine that acts for that user; null for none

remaining is what an open hold still sets aside, in minor units.
Errors: WA001 unknown wallet; WA002 invalid argument; WA024 invalid cursor; WA047 not for this key. $$;
