create or replace function public.wallet_inspect_transaction(
  p_transaction_id bigint,
  p_actor uuid default null
)
returns table (
  id bigint, txn_id uuid, wallet_id uuid, type text, amount bigint, asset text, scale smallint, reference text,
  metadata jsonb, effective_at timestamptz, counterparty_wallet_id uuid, counterparty_username text, receipt text,
  refundable bigint, entries jsonb, refunds jsonb, original jsonb, hold jsonb, operator jsonb, created_at timestamptz,
  key jsonb
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
  c_refunds constant bigint := 100;
  v_now constant timestamptz := clock_timestamp();
  v_transaction wallet.transactions;
  v_asset text;
  v_other_id uuid;
  v_hold_id bigint;
begin
  perform wallet.require_operator(p_actor);
  if p_transaction_id is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'transaction_id', 'reason', 'must not be null'));
  end if;
  select t.* into v_transaction
  from wallet.transactions t
  where t.id = p_transaction_id;
  if not found then
    perform wallet.raise_error(
      'WA028', jsonb_build_object('field', 'transaction_id', 'reason', 'names no transaction', 'transaction_id', p_transaction_id)
    );
  end if;

  perform wallet.inspect(v_transaction.wallet_id, 'transaction', p_actor);
  select w.asset into v_asset
  from wallet.wallets w
  where w.id = v_transaction.wallet_id;
  v_other_id := wallet.other_wallet_id(v_transaction.type::text, v_transaction.counterparty_id, v_asset);
  if v_other_id = v_transaction.counterparty_id then
    perform wallet.inspect(v_other_id, 'transaction', p_actor);
  end if;
  select e.hold_id into v_hold_id
  from wallet.hold_events e
  where e.transaction_id = p_transaction_id;

  return query
  with entries as materialized (
    select p.place, l.wallet_id, l.seq, l.amount, l.balance_after, l.hash,
      coalesce(l.recorded_at, v_transaction.created_at) as recorded_at, w.kind, w.purpose, w.owner_id,
      (select u.username from wallet.users u where u.id = w.owner_id) as username
    from (values
      (1, v_transaction.wallet_id, v_transaction.seq),
      (2, v_other_id, case
        when v_other_id = v_transaction.counterparty_id then wallet.entry_of(v_other_id, v_transaction.id)
        else v_transaction.id
      end)
    ) as p (place, wallet_id, seq)
    cross join lateral (
      select *
      from wallet.ledger x
      where x.wallet_id = p.wallet_id and x.seq = p.seq and x.transaction_id = v_transaction.id
      limit 1
    ) l
    cross join lateral (select * from wallet.wallets x where x.id = l.wallet_id limit 1) w
  )
  select v_transaction.id, v_transaction.txn_id, v_transaction.wallet_id, v_transaction.type::text,
    v_transaction.amount, v_asset, (select a.scale from wallet.assets a where a.code = v_asset), d.reference,
    d.metadata, d.effective_at, v_transaction.counterparty_id,
    (select e.username from entries e where e.wallet_id = v_transaction.counterparty_id),
    (select encode(e.hash, 'hex') from entries e where e.place = 1),
    case when v_transaction.type in ('spend', 'capture') then wallet.left_to_refund(v_transaction) end,
    coalesce((
      select jsonb_agg(
        jsonb_build_object(
          'wallet_id', e.wallet_id, 'kind', e.kind, 'purpose', e.purpose, 'user_id', e.owner_id,
          'username', e.username, 'seq', e.seq, 'amount', e.amount, 'balance', e.balance_after,
          'recorded_at', e.recorded_at
        )
        order by e.place
      )
      from entries e
    ), '[]'),
    coalesce((
      select jsonb_agg(
        jsonb_build_object('id', g.id, 'txn_id', g.txn_id, 'amount', g.amount, 'created_at', g.created_at)
        order by g.id desc
      )
      from (
        select t.*
        from (
          select r.transaction_id
          from wallet.refunds r
          where r.original_id = v_transaction.id
          order by r.transaction_id desc
          limit c_refunds
        ) r
        cross join lateral (select * from wallet.transactions x where x.id = r.transaction_id limit 1) t
      ) g
    ), '[]'),
    (
      select jsonb_build_object(
        'id', o.id, 'txn_id', o.txn_id, 'type', o.type, 'amount', o.amount, 'created_at', o.created_at
      )
      from wallet.refunds r
      cross join lateral (select * from wallet.transactions x where x.id = r.original_id limit 1) o
      where r.transaction_id = v_transaction.id
    ),
    (select to_jsonb(h) from wallet.described_hold(v_hold_id, v_now, true) h),
    (
      select jsonb_build_object(
        'actor', a.actor, 'actor_username', (select u.username from wallet.users u where u.id = a.actor),
        'created_at', a.created_at
      )
      from wallet.operator_actions a
      where a.detail ->> 'transaction_id' = v_transaction.id::text and a.action = v_transaction.type::text
      limit 1
    ),
    v_transaction.created_at, wallet.key_of(v_transaction.id)
  from (select) as one
  left join lateral (
    select *
    from wallet.transaction_details x
    where x.transaction_id = v_transaction.id
    limit 1
  ) d on true;
end;
$$;

comment on function public.wallet_inspect_transaction(bigint, uuid) is
$$ Operators: a transaction with all that belongs to it, and leaves on record that its owner was shown, of a transfer
both sides.

p_transaction_id the server's number of it, as wallet_search() finds it
p_actor          the operator; null for an administrator

amount is positive, but for an adjustment, in minor units of asset; receipt is that of the wallet that requested it.
refundable is what is left to refund of a spend or capture. Arrays and objects of JSON:
entries  both: wallet_id, kind, purpose (of a system wallet), user_id, username, seq, amount (signed), balance after it
         (null in a system wallet), recorded_at
refunds  of it, newest first, at most 100: id, txn_id, amount, created_at
original of a refund: id, txn_id, type, amount, created_at
hold     of a capture: a row of wallet_inspect_hold()
operator who made it, where an operator did: actor (null: an administrator), actor_username, created_at
key      with which a machine made it, where one did: id, name, prefix
Errors: WA002 invalid argument; WA027 operators only; WA028 unknown transaction. $$;
