-- With a filter a page examines a bounded number of events, so that no call costs as much as the whole ledger. A wallet
-- has indexes of its own, and needs no such bound.
create or replace function public.wallet_events(
  p_after bigint,
  p_up_to bigint,
  p_fence bigint,
  p_limit integer default 100,
  p_types text[] default null,
  p_asset text default null,
  p_wallet_id uuid default null,
  p_epoch integer default null,
  p_actor uuid default null
)
returns table (id bigint, type text, wallet_id uuid, counterparty_wallet_id uuid, event json)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  c_examined constant integer := 10000;
  v_ref record;
  v_found integer := 0;
  v_last bigint := 0;
  v_seen uuid;
begin
  perform wallet.require_operator(p_actor);
  perform wallet.require_page(p_after, p_up_to, p_limit, p_types, p_epoch);
  if not public.wallet_event_settled(p_fence) then
    return;
  end if;

  for v_ref in
    select r.id, r.type, r.wallet_id, r.counterparty_wallet_id
    from wallet.event_refs(
      p_after, p_up_to, case when p_types is null and p_asset is null then p_limit else c_examined end
    ) r
    where p_wallet_id is null
    union all
    select r.id, r.type, r.wallet_id, null
    from wallet.event_refs_of(
      p_wallet_id, p_after, p_up_to, case when p_types is null and p_asset is null then p_limit else c_examined end
    ) r
    where p_wallet_id is not null
    order by 1, 2
  loop
    v_last := v_ref.id;
    continue when v_ref.type is null or p_types is not null and v_ref.type <> all (p_types)
      or p_asset is not null and p_asset is distinct from (
        select w.asset from wallet.wallets w where w.id = v_ref.wallet_id
      );
    v_found := v_found + 1;
    id := v_ref.id;
    type := v_ref.type;
    select t.wallet_id, t.counterparty_id into wallet_id, counterparty_wallet_id
    from wallet.transactions t
    where p_wallet_id is not null and t.id = v_ref.id;
    wallet_id := coalesce(wallet_id, v_ref.wallet_id);
    counterparty_wallet_id := coalesce(counterparty_wallet_id, v_ref.counterparty_wallet_id);
    event := wallet.described_event(id, type, wallet_id);
    return next;
    exit when v_found = p_limit;
  end loop;
  if v_found < p_limit and v_last > coalesce(id, 0) then
    id := v_last;
    type := null;
    wallet_id := null;
    counterparty_wallet_id := null;
    event := null;
    return next;
  end if;

  if v_found > 0 and p_actor is not null and p_wallet_id is not null then
    select w.owner_id into v_seen from wallet.wallets w where w.id = p_wallet_id;
    perform wallet.record_reads(p_actor, array[v_seen], 'events');
  end if;
end;
$$;

comment on function public.wallet_events(
  bigint, bigint, bigint, integer, text[], text, uuid, integer, uuid
) is
$$ Operators: what happened after p_after, in order: nothing is missed, and nothing comes twice. Returns nothing until
the fence has passed: call it again then, or after another mark.

p_after     the id of the last event that was read, 0 for all from the beginning. Only such an id is a cursor
p_up_to, p_fence  what wallet_event_mark() returned
p_limit     events, 1 to 1000
p_types     only of these, like transaction.topup; null for all
p_asset, p_wallet_id  only of wallets in this asset, of this wallet (either side of a transfer, or a system wallet)
p_epoch     of the mark under which p_after was read; null is not looked at
p_actor     the operator; null for an administrator

event is a CloudEvent 1.0 in JSON; its data has signed amounts in minor units. It names people by id alone; with
p_wallet_id it goes on record that the owner was shown. With p_types or p_asset a page examines 10,000 events: where it
stops before the end, the last row has an id, from which the next page goes on, and nothing else.
Errors: WA002 invalid argument; WA024 invalid position; WA027 operators only; WA041 the history that p_after is of has
ended before it, see wallet.require_position. $$;
