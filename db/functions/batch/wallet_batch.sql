-- Many requests in one transaction: one commit, one flush. Where none of a wallet's items can be refused, they are
-- judged and written as a set; the items of any other wallet go one by one, in order, through the same function as
-- single calls.
create or replace function public.wallet_batch(
  p_types text[],
  p_wallet_ids uuid[],
  p_txn_ids uuid[],
  p_amounts bigint[],
  p_references text[] default null,
  p_metadata jsonb[] default null,
  p_actors uuid[] default null,
  p_skip_locked boolean default false,
  p_to_wallet_ids uuid[] default null,
  p_original_txn_ids uuid[] default null,
  p_finals boolean[] default null,
  p_expires_in integer[] default null,
  p_effective_at timestamptz[] default null,
  p_to_usernames text[] default null,
  p_key_ids uuid[] default null
)
returns table (
  ordinal integer,
  outcome text,
  detail jsonb,
  hint text,
  id bigint,
  txn_id uuid,
  wallet_id uuid,
  type text,
  amount bigint,
  asset text,
  scale smallint,
  balance bigint,
  available bigint,
  replayed boolean,
  created_at timestamptz,
  receipt text
)
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
  c_nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  v_items constant integer := cardinality(p_types);
  v_is_believed constant boolean := wallet.is_believed();
  v_actors uuid[] := p_actors;
  v_refusals jsonb[];
  v_to_wallet_ids uuid[];
  v_wallet_ids uuid[];
  v_owner_ids uuid[];
  v_wallet_assets text[];
  v_plain boolean[];
  v_set integer[];
  v_previous bytea[];
  v_hashes bytea[];
  v_ids bigint[];
  v_seqs bigint[];
  v_deltas bigint[];
  v_balances bigint[];
  v_assets text[];
  v_newest_at timestamptz[];
  v_latest timestamptz;
  v_created_at timestamptz;
  v_exact integer[];
  v_item integer;
  v_request wallet.request;
  v_outcome wallet.outcome;
  v_outcomes wallet.outcome[];
begin
  perform wallet.require_read_committed();
  perform wallet.require_batch_shape(
    p_types, p_wallet_ids, p_txn_ids, p_amounts, p_references, p_metadata, p_actors,
    p_to_wallet_ids, p_original_txn_ids, p_finals, p_expires_in, p_effective_at, p_to_usernames, p_key_ids
  );

  -- what a key may not do is nobody's request from here on: nothing is locked or judged for it
  if num_nonnulls(variadic p_key_ids) > 0 then
    if not v_is_believed and num_nonnulls(variadic p_actors) > 0 then
      perform wallet.require_service();
    end if;
    v_refusals := wallet.key_refusals(p_key_ids, p_types, p_actors);
    if v_refusals is not null then
      v_actors := array(
        select case when v_refusals[i] is null then p_actors[i] else c_nobody end
        from generate_subscripts(p_types, 1) as i
      );
    end if;
  end if;
  -- nor for an operator in whose name this login may not call
  if not v_is_believed then
    v_actors := array(
      select case when wallet.is_barred(p_actors[i]) then c_nobody else p_actors[i] end
      from generate_subscripts(p_types, 1) as i
    );
  end if;
  v_to_wallet_ids := p_to_wallet_ids;
  if num_nonnulls(variadic p_to_usernames) > 0 then
    select array_agg(
      case when i.name is null then i.to_wallet_id else wallet.recipient(i.wallet_id, i.name) end order by i.place
    )
    into v_to_wallet_ids
    from unnest(p_wallet_ids, p_to_wallet_ids, p_to_usernames) with ordinality
      as i (wallet_id, to_wallet_id, name, place);
  end if;
  -- only what the items may touch is locked: whoever names a stranger's wallet must not be able to hold it up
  if p_skip_locked then
    select array_agg(l.id), array_agg(l.owner_id), array_agg(l.asset), array_agg(l.is_plain)
    into v_wallet_ids, v_owner_ids, v_wallet_assets, v_plain
    from (
      select w.id, w.owner_id, w.asset,
        w.is_plain and (v_to_wallet_ids is null or w.id <> all (v_to_wallet_ids)) as is_plain
      from wallet.wallets w
      where w.id = any (p_wallet_ids || v_to_wallet_ids) and w.kind = 'user'
        and (
          (w.id, w.owner_id) in (
            select i.wallet_id, i.actor from unnest(p_wallet_ids, v_actors) as i (wallet_id, actor)
          )
          or w.id in (select m.id from wallet.batch_wallets(p_wallet_ids, v_to_wallet_ids, v_actors) m)
        )
      order by w.id
      for update skip locked
    ) l;
  else
    select array_agg(l.id), array_agg(l.owner_id), array_agg(l.asset), array_agg(l.is_plain)
    into v_wallet_ids, v_owner_ids, v_wallet_assets, v_plain
    from (
      select w.id, w.owner_id, w.asset,
        w.is_plain and (v_to_wallet_ids is null or w.id <> all (v_to_wallet_ids)) as is_plain
      from wallet.wallets w
      where w.id = any (p_wallet_ids || v_to_wallet_ids) and w.kind = 'user'
        and (
          (w.id, w.owner_id) in (
            select i.wallet_id, i.actor from unnest(p_wallet_ids, v_actors) as i (wallet_id, actor)
          )
          or w.id in (select m.id from wallet.batch_wallets(p_wallet_ids, v_to_wallet_ids, v_actors) m)
        )
      order by w.id
      for update
    ) l;
  end if;

  -- The items of a wallet become a set where none of them can be refused or be a replay. One alone is judged faster.
  if v_items > 1 then
    with states as materialized (
      select w.place, v_wallet_ids[w.place] as wallet_id, n.seq, n.balance_after, n.hash, n.transaction_id,
        n.own_recorded_at
      from generate_subscripts(v_wallet_ids, 1) as w (place)
      left join lateral wallet.newest_entry(v_wallet_ids[w.place]) n on true
    ),
    placed as (
      select i.place, i.delta, s.place as wallet, s.hash,
        coalesce(s.seq, 0) + row_number() over in_wallet as seq,
        coalesce(s.balance_after, 0) + (sum(i.delta) over in_wallet)::bigint as balance
      from (
        select p.place, p_wallet_ids[p.place] as wallet_id,
          case p_types[p.place] when 'topup' then p_amounts[p.place] when 'spend' then -p_amounts[p.place] end as delta
        from generate_subscripts(p_types, 1) as p (place)
        where p_amounts[p.place] between 1 and wallet.max_amount()
          or p_amounts[p.place] is null and p_types[p.place] not in ('topup', 'spend')
      ) i
      join states s on s.wallet_id = i.wallet_id
      window in_wallet as (partition by s.place order by i.place rows unbounded preceding)
    ),
    judged as materialized (
      select p.*,
        coalesce(
          v_plain[p.wallet] and p.delta is not null and p_txn_ids[p.place] is not null
          and num_nonnulls(
            p_to_wallet_ids[p.place], p_to_usernames[p.place], p_original_txn_ids[p.place], p_finals[p.place],
            p_expires_in[p.place], p_effective_at[p.place]
          ) = 0
          and (v_actors[p.place] is null or v_actors[p.place] = v_owner_ids[p.wallet])
          and (
            v_actors[p.place] is not null and num_nonnulls(p_references[p.place], p_metadata[p.place]) = 0
            or wallet.request_fault(
              v_wallet_ids[p.wallet], p_txn_ids[p.place], p_amounts[p.place], p_references[p.place],
              p_metadata[p.place], v_actors[p.place]
            ) is null
          )
          and wallet.check_change(p.delta, p.balance - p.delta, p.balance - p.delta, 'active', null) is null
          and not exists (
            select
            from wallet.transactions t
            where t.txn_id = p_txn_ids[p.place] and t.wallet_id = v_wallet_ids[p.wallet]
          ),
          false
        ) as is_plain
      from placed p
    )
    select
      array_agg(j.place), array_agg(nextval('wallet.transaction_ids')), array_agg(j.seq), array_agg(j.delta),
      array_agg(j.balance), array_agg(v_wallet_assets[j.wallet]), array_agg(j.hash),
      greatest(
        (select max(s.own_recorded_at) from states s),
        (
          select max(t.created_at)
          from wallet.transactions t
          where t.id = any (array(select s.transaction_id from states s))
        )
      )
    into v_set, v_ids, v_seqs, v_deltas, v_balances, v_assets, v_previous, v_latest
    from (select x.* from judged x order by x.wallet, x.seq) j
    where j.wallet not in (select x.wallet from judged x where not x.is_plain)
      and j.wallet not in (
        select x.wallet
        from judged x
        group by x.wallet, p_txn_ids[x.place]
        having count(*) > 1
      );

    -- one clock for all, read after the locks; no wallet takes its time from another
    v_created_at := clock_timestamp();
    if v_latest > v_created_at then
      v_newest_at := array(
        select (select n.recorded_at from wallet.newest_entry(p_wallet_ids[v_set[i.place]]) n)
        from generate_subscripts(v_set, 1) as i (place)
        order by i.place
      );
    end if;
    v_hashes := wallet.write_transactions(
      v_created_at, v_newest_at, v_previous, v_ids, v_seqs, v_deltas, v_balances, v_assets, v_set, p_types,
      p_wallet_ids, p_txn_ids, p_references, p_metadata, p_key_ids
    );
  end if;

  if cardinality(v_set) is distinct from v_items then
    v_exact := array(
      select generate_subscripts(p_types, 1)
      except
      select unnest(v_set)
      order by 1
    );
  end if;
  foreach v_item in array coalesce(v_exact, '{}') loop
    v_outcome := null;
    if v_refusals[v_item] is not null then
      v_outcome := wallet.refused_outcome('WA047', v_refusals[v_item]);
      if p_actors[v_item] is null then
        v_outcome := wallet.refused_outcome(
          'WA002', jsonb_build_object('field', 'actor', 'reason', 'must not be null with a key')
        );
      end if;
      v_outcomes := v_outcomes || v_outcome;
      continue;
    end if;
    if p_types[v_item] in ('topup', 'spend') and p_wallet_ids[v_item] = any (v_wallet_ids)
      and num_nonnulls(
        p_to_wallet_ids[v_item], p_to_usernames[v_item], p_original_txn_ids[v_item], p_finals[v_item],
        p_expires_in[v_item], p_effective_at[v_item]
      ) = 0
    then
      v_outcome.result := wallet.post_plain(
        p_types[v_item], p_wallet_ids[v_item], p_txn_ids[v_item], p_amounts[v_item],
        p_references[v_item], p_metadata[v_item], p_actors[v_item], p_key_ids[v_item]
      );
    end if;
    if (v_outcome.result).id is null then
      if p_skip_locked and (
        (p_actors[v_item] is not null or wallet.is_trusted())
        and wallet.is_busy(p_wallet_ids[v_item], v_actors[v_item], v_wallet_ids)
        or p_wallet_ids[v_item] = any (v_wallet_ids) and wallet.is_busy(v_to_wallet_ids[v_item], null, v_wallet_ids)
      ) then
        v_outcome := wallet.refused_outcome('busy', null);
      elsif p_types[v_item] in ('bonus', 'adjustment') then
        v_outcome := wallet.refused_outcome('WA002', jsonb_build_object(
          'field', 'type', 'reason', 'must be topup, spend, transfer, hold, capture, void or refund'
        ));
      else
        v_request.type := p_types[v_item];
        v_request.wallet_id := p_wallet_ids[v_item];
        v_request.txn_id := p_txn_ids[v_item];
        v_request.amount := p_amounts[v_item];
        v_request.reference := p_references[v_item];
        v_request.metadata := p_metadata[v_item];
        v_request.effective_at := p_effective_at[v_item];
        v_request.actor := p_actors[v_item];
        v_request.key_id := p_key_ids[v_item];
        v_request.to_wallet_id := p_to_wallet_ids[v_item];
        v_request.original_txn_id := p_original_txn_ids[v_item];
        v_request.final := p_finals[v_item];
        v_request.expires_in := p_expires_in[v_item];
        v_outcome := wallet.execute(v_request, p_to_usernames[v_item]);
      end if;
    end if;
    v_outcomes := v_outcomes || v_outcome;
  end loop;

  return query
  select v_set[i], 'ok', null::jsonb, null, v_ids[i], p_txn_ids[v_set[i]], p_wallet_ids[v_set[i]], p_types[v_set[i]],
    p_amounts[v_set[i]], v_assets[i], a.scale, v_balances[i], v_balances[i], false,
    greatest(v_created_at, v_newest_at[i]), encode(v_hashes[i], 'hex')
  from generate_subscripts(v_set, 1) as i
  join wallet.assets a on a.code = v_assets[i]
  union all
  select i.ordinal, coalesce(i.code, case when (i.result).replayed then 'replayed' else 'ok' end), i.detail, t.hint,
    (i.result).id, p_txn_ids[i.ordinal], p_wallet_ids[i.ordinal], p_types[i.ordinal],
    coalesce((i.result).amount, p_amounts[i.ordinal]), (i.result).asset, (i.result).scale, (i.result).balance,
    (i.result).available, (i.result).replayed, (i.result).created_at, (i.result).receipt
  from unnest(v_exact, v_outcomes) as i (ordinal, code, detail, result)
  left join lateral wallet.error_text(i.code) t on true
  order by 1;
end;
$$;

comment on function public.wallet_batch(
  text[], uuid[], uuid[], bigint[], text[], jsonb[], uuid[], boolean, uuid[], uuid[], boolean[], integer[],
  timestamptz[], text[], uuid[]
) is
$$ Up to 1,000 requests in one transaction, each with an outcome of its own: a refused item does not stop the others.

p_types       'topup', 'spend', 'transfer', 'hold', 'capture', 'void' or 'refund'
p_wallet_ids, p_txn_ids, p_amounts, p_references, p_metadata, p_actors
              one element per request, as the single calls take them; the last three may be null as a whole
p_to_wallet_ids, p_original_txn_ids, p_finals, p_expires_in, p_effective_at
              likewise: a transfer's recipient, a capture's or void's hold, a refund's original, and so on; null as a
              whole or per element where the type has no use for it (final must be given for captures)
p_to_usernames the recipient of a transfer by name, in place of p_to_wallet_ids
p_skip_locked do not wait for a wallet that another session holds: its items come back as 'busy', not written
p_key_ids     for each request the key of a machine that acts for its actor; null as a whole or per element where none
              does. What the key may not do is refused ('WA047'), and locks nothing

Returns one row per request, in the order given: outcome 'ok', 'replayed', 'busy' or the SQLSTATE that the single call
would raise, with its detail and hint, and the columns of the single call's result. Requests of one wallet take effect
in order.
Errors (nothing is written): WA002 arrays of different lengths or more than 1,000; WA007 isolation level. $$;
