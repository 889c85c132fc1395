-- The decision is made once and kept, a refusal too: the sender's database gives the money back by it. A refusal that
-- is forgotten could be a credit the next time.
create or replace function public.wallet_receive(
  p_origin_ids bigint[],
  p_from_wallet_ids uuid[],
  p_to_wallet_ids uuid[],
  p_amounts bigint[],
  p_assets text[],
  p_references text[] default null,
  p_metadata jsonb[] default null,
  p_effective_at timestamptz[] default null,
  p_skip_locked boolean default false
)
returns table (origin_id bigint, code text, transaction_id bigint)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_locked uuid[];
  v_new integer[];
  v_origin_ids bigint[];
  v_from_wallet_ids uuid[];
  v_to_wallet_ids uuid[];
  v_amounts bigint[];
  v_assets text[];
  v_references text[];
  v_metadata jsonb[];
  v_effective_at timestamptz[];
begin
  perform wallet.require_relay();
  perform wallet.require_read_committed();
  perform wallet.require_received(
    p_origin_ids, p_from_wallet_ids, p_to_wallet_ids, p_amounts, p_assets, p_references, p_metadata, p_effective_at
  );

  -- in the order of all requests
  if p_skip_locked then
    select array_agg(l.id) into v_locked
    from (
      select w.id
      from wallet.wallets w
      where w.id = any (p_to_wallet_ids) and w.kind = 'user'
      order by w.id
      for update skip locked
    ) l;
  else
    perform from wallet.wallets w
    where w.id = any (p_to_wallet_ids) and w.kind = 'user'
    order by w.id
    for update;
  end if;

  select array_agg(i.origin_id order by i.origin_id), array_agg(i.from_wallet_id order by i.origin_id),
    array_agg(i.to_wallet_id order by i.origin_id), array_agg(i.amount order by i.origin_id),
    array_agg(i.asset order by i.origin_id), array_agg(i.reference order by i.origin_id),
    array_agg(i.metadata order by i.origin_id), array_agg(i.effective_at order by i.origin_id)
  into v_origin_ids, v_from_wallet_ids, v_to_wallet_ids, v_amounts, v_assets, v_references, v_metadata, v_effective_at
  from (
    select distinct on (i.origin_id) i.*
    from unnest(
      p_origin_ids, p_from_wallet_ids, p_to_wallet_ids, p_amounts, p_assets, p_references, p_metadata, p_effective_at
    ) with ordinality as i (
      origin_id, from_wallet_id, to_wallet_id, amount, asset, reference, metadata, effective_at, place
    )
    where not exists (select from wallet.inbox x where x.origin_id = i.origin_id)
      and not (p_skip_locked and wallet.is_busy(i.to_wallet_id, null, v_locked))
    order by i.origin_id, i.place
  ) i;

  if v_origin_ids is not null then
    with decided as materialized (
      select v_origin_ids[c.place] as origin_id, v_from_wallet_ids[c.place] as from_wallet_id,
        v_to_wallet_ids[c.place] as to_wallet_id, v_amounts[c.place] as amount, v_assets[c.place] as asset, c.code,
        c.transaction_id
      from wallet.credit(
        'received', v_to_wallet_ids, v_from_wallet_ids, v_amounts, v_assets, v_references, v_metadata, v_effective_at
      ) c
    ),
    credited as (
      insert into wallet.inbox (origin_id, from_wallet_id, to_wallet_id, amount, asset, transaction_id)
      select d.origin_id, d.from_wallet_id, d.to_wallet_id, d.amount, d.asset, d.transaction_id
      from decided d
      where d.code is null
      order by d.origin_id
    )
    insert into wallet.inbox (origin_id, from_wallet_id, to_wallet_id, amount, asset, code)
    select d.origin_id, d.from_wallet_id, d.to_wallet_id, d.amount, d.asset, d.code
    from decided d
    where d.code is not null
    order by d.origin_id
    -- a wallet that does not exist cannot be locked: another session may have refused the same
    on conflict on constraint inbox_pkey do nothing;
  end if;

  return query
  select i.origin_id, case when s.is_same then x.code else 'WA004' end, case when s.is_same then x.transaction_id end
  from unnest(p_origin_ids, p_from_wallet_ids, p_to_wallet_ids, p_amounts, p_assets) with ordinality
    as i (origin_id, from_wallet_id, to_wallet_id, amount, asset, place)
  join wallet.inbox x on x.origin_id = i.origin_id
  cross join lateral (
    select (x.from_wallet_id, x.to_wallet_id, x.amount, x.asset)
      = (i.from_wallet_id, i.to_wallet_id, i.amount, i.asset)
  ) as s (is_same)
  order by i.place;
end;
$$;

comment on function public.wallet_receive(
  bigint[], uuid[], uuid[], bigint[], text[], text[], jsonb[], timestamptz[], boolean
) is
$$ For the relay: decides about up to 1,000 transfers from other databases, as wallet_outbox() there returns them. Each
is decided once: whoever sends it again gets the first decision. A row for each, in the order given: transaction_id of
the credit, or the code that refuses it, for wallet_conclude() there.

p_origin_ids       the transactions of the senders; their numbers tell the database
p_from_wallet_ids, p_to_wallet_ids, p_amounts, p_assets  an element for each
p_references, p_metadata, p_effective_at  likewise, null for none; all three null as a whole where none has any
p_skip_locked      do not wait for a wallet that another session holds: no row for what goes there, ask again

Codes: WA006 balance limit; WA009 unknown recipient; WA011 other asset; WA013 closed; WA004 another transfer has this
number, as after a restore of the sender's database.
Errors (nothing is written): WA002 what no outbox has; WA007 isolation level; WA035 the relay and administrators
only. $$;
