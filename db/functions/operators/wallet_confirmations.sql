create or replace function public.wallet_confirmations(
  p_status text default null,
  p_limit integer default 50,
  p_before_id bigint default null,
  p_actor uuid default null
)
returns setof wallet.described_confirmation
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_before_id constant bigint := coalesce(p_before_id, 9223372036854775807);
begin
  perform wallet.require_operator(p_actor);
  if p_limit is null or p_limit not between 1 and 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'limit', 'reason', 'must be between 1 and 1000'));
  elsif p_status not in ('waiting', 'confirmed', 'rejected') then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'status', 'reason', 'must be waiting, confirmed or rejected'));
  elsif p_before_id < 1 then
    perform wallet.raise_error('WA024', jsonb_build_object('field', 'cursor'));
  end if;

  return query
  with page as materialized (
    -- either part reads a range of an index
    (
      select c as row
      from wallet.confirmations c
      where p_status is null and c.id < v_before_id
      order by c.id desc
      limit p_limit
    )
    union all
    (
      select c
      from wallet.confirmations c
      where c.status = p_status and c.id < v_before_id
      order by c.id desc
      limit p_limit
    )
  ), noted as materialized (
    select wallet.record_reads(
      p_actor,
      array_agg((select w.owner_id from wallet.wallets w where w.id = (p.row).wallet_id)),
      'confirmations'
    )
    from page p
  )
  select d.*
  from page p
  cross join lateral wallet.described_confirmation(p.row) d
  cross join noted
  order by d.id desc;
end;
$$;

comment on function public.wallet_confirmations(text, integer, bigint, uuid) is
$$ Operators: requests that wait for a second operator, or waited, newest first, a page at a time. Whose wallets were
shown is on record.

p_status    only waiting, confirmed or rejected ones
p_limit     confirmations in the page, 1 to 1000
p_before_id the id of the last one of the page before; null for the newest page
p_actor     the operator; null for an administrator

username is the owner of the wallet, actor_username who asked. amount is as in the request; expected is what it moves,
in minor units of asset, as known when it was asked for.
Errors: WA002 invalid argument; WA024 invalid cursor; WA027 operators only. $$;
