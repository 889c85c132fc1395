-- Each part reads at most c_most rows of an index, and each `limit 1` keeps a plan that was made for small tables from
-- reading whole tables to join them.
create or replace function public.wallet_search(
  p_query text,
  p_actor uuid default null
)
returns table (
  kind text, user_id uuid, username text, role text, wallet_id uuid, asset text, scale smallint, status text,
  balance bigint, id bigint, txn_id uuid, type text, amount bigint, reference text, created_at timestamptz,
  erased_at timestamptz
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  c_most constant bigint := 50;
  v_now constant timestamptz := clock_timestamp();
  v_number constant smallint := (select s.number from wallet.shard s);
  v_id uuid;
  v_name text;
begin
  perform wallet.require_operator(p_actor);
  if p_query is null or length(p_query) not between 1 and 256 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'query', 'reason', 'must have 1 to 256 characters'));
  end if;
  if pg_input_is_valid(p_query, 'uuid') then
    v_id := p_query;
  end if;
  v_name := wallet.username(p_query);

  return query
  with named as materialized (
    -- "~" is behind every character that a name can have
    select u.id, u.username
    from wallet.users u
    where u.username ~>=~ v_name and u.username ~<~ (v_name || '~') and u.erased_at is null
      and wallet.number_of(u.id) = v_number
    order by u.username using ~<~
    limit c_most
  ), moved as materialized (
    (select t.id from wallet.transactions t where t.txn_id = v_id limit c_most)
    union
    (select d.transaction_id from wallet.transaction_details d where d.reference = p_query limit c_most)
  ), set_aside as materialized (
    (select e.hold_id from wallet.hold_events e where e.txn_id = v_id limit c_most)
    union
    (select h.id from wallet.holds h where h.reference = p_query limit c_most)
  ), found as materialized (
    -- what was named exactly comes before names that begin like it
    select case when n.username = v_name then 1 else 5 end as place, 'user' as kind, n.username as name, n.id as user_id,
      null::uuid as wallet_id, null::bigint as id
    from named n
    union all
    select 1, 'user', null, u.id, null, null
    from wallet.users u
    where u.id = v_id and wallet.number_of(u.id) = v_number
    union all
    select 2, 'wallet', null, w.owner_id, w.id, null
    from wallet.wallets w
    where w.id = v_id and wallet.is_visible(w, null)
    union all
    select 3, 'transaction', null, null, s.wallet_id, m.id
    from moved m
    cross join lateral (select t.wallet_id, t.counterparty_id from wallet.transactions t where t.id = m.id limit 1) t
    cross join lateral (values (t.wallet_id), (t.counterparty_id)) s (wallet_id)
    -- another database has the other side
    where s.wallet_id is not null and wallet.number_of(s.wallet_id) = v_number
    union all
    select 4, 'hold', null, null, h.wallet_id, a.hold_id
    from set_aside a
    cross join lateral (select l.wallet_id from wallet.holds l where l.id = a.hold_id limit 1) h
    order by 1, 6 desc, 3 using ~<~, 5
    limit c_most
  ), described as materialized (
    select f.place, f.kind, u.id as user_id, u.username, u.role, w.id as wallet_id, w.asset, a.scale,
      case
        when f.kind = 'wallet' then w.status
        when h.status = 'open' and h.expires_at <= v_now then 'expired'
        else h.status
      end as status,
      case f.kind when 'wallet' then coalesce((select n.balance_after from wallet.newest_entry(w.id) n), 0) end
        as balance,
      f.id, coalesce(t.txn_id, h.txn_id) as txn_id, t.type,
      coalesce(case when t.wallet_id = w.id then t.signed else -t.signed end, h.amount) as amount,
      coalesce(t.reference, h.reference) as reference,
      case f.kind when 'user' then u.created_at when 'wallet' then w.created_at else coalesce(t.created_at, h.created_at) end
        as created_at,
      u.erased_at
    from found f
    left join lateral (
      select x.wallet_id, x.txn_id, x.type::text, x.created_at,
        (select l.amount from wallet.ledger l where l.wallet_id = x.wallet_id and l.seq = x.seq) as signed,
        (select d.reference from wallet.transaction_details d where d.transaction_id = x.id) as reference
      from wallet.transactions x
      where f.kind = 'transaction' and x.id = f.id
      limit 1
    ) t on true
    left join lateral (select * from wallet.holds x where f.kind = 'hold' and x.id = f.id limit 1) h on true
    left join lateral (select * from wallet.wallets x where x.id = f.wallet_id limit 1) w on true
    left join lateral (select * from wallet.users x where x.id = coalesce(f.user_id, w.owner_id) limit 1) u on true
    left join lateral (select * from wallet.assets x where x.code = w.asset limit 1) a on true
  ), noted as materialized (
    select wallet.record_reads(p_actor, array_agg(d.user_id), 'search')
    from described d
  )
  select d.kind, d.user_id, d.username, d.role, d.wallet_id, d.asset, d.scale, d.status, d.balance, d.id, d.txn_id,
    d.type, d.amount, d.reference, d.created_at, d.erased_at
  from described d
  cross join noted
  order by d.place, d.id desc, d.username using ~<~, d.wallet_id;
end;
$$;

comment on function public.wallet_search(text, uuid) is
$$ Operators: finds at most 50 users, wallets, transactions and holds, and leaves on record who was shown.

p_query 1 to 256 characters: the beginning of a username; the id of a user or wallet; the txn_id of a transaction, or of
        what happened to a hold; or exactly the reference of a transaction or hold. What is named exactly comes first
p_actor the operator; null for an administrator

kind is user, wallet, transaction or hold; columns that it does not have are null. id is the transaction's or hold's. A
transfer is found in both wallets; amount is signed as in the wallet, in minor units. An erased user is not found by
name.
Errors: WA002 invalid argument; WA027 operators only. $$;
