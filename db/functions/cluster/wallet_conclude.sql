-- Wallets first, in the order of all requests, then rows in the order of their numbers. What comes back does not ask
-- for the sender's status: the money is the sender's, frozen or not, and a wallet with something in transit is not
-- closed.
create or replace function public.wallet_conclude(
  p_transaction_ids bigint[],
  p_codes text[],
  p_skip_locked boolean default false
)
returns table (transaction_id bigint, status text)
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
  v_wallet_ids uuid[];
  v_locked uuid[];
  v_ids bigint[];
  v_codes text[];
  v_senders uuid[];
  v_recipients uuid[];
  v_amounts bigint[];
  v_assets text[];
begin
  perform wallet.require_relay();
  perform wallet.require_read_committed();
  if cardinality(p_transaction_ids) is null or cardinality(p_transaction_ids) > 1000
    or (array_dims(p_transaction_ids) = format('[1:%s]', cardinality(p_transaction_ids))
      and array_dims(p_codes) = array_dims(p_transaction_ids)) is not true
  then
    perform wallet.raise_error('WA002', jsonb_build_object(
      'field', 'transaction_ids', 'reason', 'and codes must be arrays of the same 1 to 1000 elements, counted from 1'
    ));
  elsif exists (
    select from unnest(p_codes) as c (code) where c.code not in ('WA004', 'WA006', 'WA009', 'WA011', 'WA013')
  ) then
    perform wallet.raise_error('WA002', jsonb_build_object(
      'field', 'codes', 'reason', 'must be null or a code that wallet_receive() returns'
    ));
  end if;

  select array_agg(o.wallet_id) into v_wallet_ids
  from unnest(p_transaction_ids, p_codes) as i (id, code)
  join wallet.outbox o on o.transaction_id = i.id and o.status = 'pending'
  where i.code is not null;
  if v_wallet_ids is not null and p_skip_locked then
    select array_agg(l.id) into v_locked
    from (
      select w.id
      from wallet.wallets w
      where w.id = any (v_wallet_ids)
      order by w.id
      for update skip locked
    ) l;
  elsif v_wallet_ids is not null then
    select array_agg(l.id) into v_locked
    from (
      select w.id
      from wallet.wallets w
      where w.id = any (v_wallet_ids)
      order by w.id
      for update
    ) l;
  end if;
  perform from wallet.outbox o
  where o.transaction_id = any (p_transaction_ids) and o.status = 'pending'
  order by o.transaction_id
  for update;

  update wallet.outbox o
  set status = 'delivered', concluded_at = clock_timestamp()
  from unnest(p_transaction_ids, p_codes) as i (id, code)
  where o.transaction_id = i.id and o.status = 'pending' and i.code is null;

  select array_agg(r.id order by r.id), array_agg(r.code order by r.id), array_agg(r.wallet_id order by r.id),
    array_agg(r.to_wallet_id order by r.id), array_agg(r.amount order by r.id), array_agg(r.asset order by r.id)
  into v_ids, v_codes, v_senders, v_recipients, v_amounts, v_assets
  from (
    select distinct on (i.id) i.id, i.code, o.wallet_id, o.to_wallet_id, t.amount, w.asset
    from unnest(p_transaction_ids, p_codes) as i (id, code)
    join wallet.outbox o on o.transaction_id = i.id and o.status = 'pending'
    join wallet.transactions t on t.id = o.transaction_id
    join wallet.wallets w on w.id = o.wallet_id
    where i.code is not null and o.wallet_id = any (v_locked)
    order by i.id
  ) r;
  if v_ids is not null then
    with given_back as materialized (
      select v_ids[c.place] as id, v_codes[c.place] as code, c.transaction_id as returned_id
      from wallet.credit('returned', v_senders, v_recipients, v_amounts, v_assets) c
      where c.code is null
    ),
    concluded as (
      update wallet.outbox o
      set status = 'returned', code = g.code, returned_id = g.returned_id, concluded_at = clock_timestamp()
      from given_back g
      where o.transaction_id = g.id
    )
    -- what came back counts against no limit
    update wallet.limit_usage u
    set amount = u.amount - s.amount
    from (
      select t.wallet_id, wallet.limit_kind(t.type::text) as kind, date_trunc('hour', t.created_at, 'UTC') as hour,
        sum(t.amount) as amount
      from given_back g
      join wallet.transactions t on t.id = g.id
      group by 1, 2, 3
    ) s
    where (u.wallet_id, u.kind, u.hour) = (s.wallet_id, s.kind, s.hour);
  end if;

  return query
  select o.transaction_id, o.status
  from (select distinct i.id from unnest(p_transaction_ids) as i (id)) i
  join wallet.outbox o on o.transaction_id = i.id
  order by o.transaction_id;
end;
$$;

comment on function public.wallet_conclude(bigint[], text[], boolean) is
$$ For the relay: ends up to 1,000 transfers to other databases as wallet_receive() there has decided: delivered where
the code is null, else the money is returned to the sender, frozen or not. One that is concluded stays as it is. A row
for each that is known, by number: its status now. One of a sender whose wallet is full stays pending: try again later.

p_transaction_ids, p_codes  origin_id and code, as wallet_receive() returned them
p_skip_locked  do not wait for a sender's wallet that another session holds: what is returned to it stays pending

Errors (nothing is written): WA002 invalid argument; WA007 isolation level; WA035 the relay and administrators only. $$;
