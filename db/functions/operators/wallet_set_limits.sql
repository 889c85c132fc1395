create or replace function public.wallet_set_limits(
  p_wallet_id uuid,
  p_kinds text[] default '{}',
  p_per_transaction bigint[] default '{}',
  p_per_day bigint[] default '{}',
  p_per_30_days bigint[] default '{}',
  p_floor bigint default 0,
  p_max_balance bigint default null,
  p_actor uuid default null,
  p_reason text default null
)
returns table (kind text, per_transaction bigint, per_day bigint, per_30_days bigint, floor bigint, max_balance bigint)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_wallet wallet.locked_wallet;
  v_before jsonb;
  v_fault text;
begin
  perform wallet.require_read_committed();
  perform wallet.require_operator(p_actor);
  v_fault := case
    when p_kinds is null or num_nulls(variadic p_kinds) > 0
      or not p_kinds <@ array['topup', 'spend', 'transfer']
      or cardinality(p_kinds) <> (select count(distinct k) from unnest(p_kinds) k) then 'kinds'
    when cardinality(p_per_transaction) is distinct from cardinality(p_kinds) or 0 > any (p_per_transaction) then 'per_transaction'
    when cardinality(p_per_day) is distinct from cardinality(p_kinds) or 0 > any (p_per_day) then 'per_day'
    when cardinality(p_per_30_days) is distinct from cardinality(p_kinds) or 0 > any (p_per_30_days) then 'per_30_days'
    when p_floor is null or p_floor not between -wallet.max_amount() and 0 then 'floor'
    when p_max_balance not between 0 and wallet.max_amount() then 'max_balance'
  end;
  if v_fault is not null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', v_fault, 'reason', 'must be limits in minor units, one for each of topup, spend, transfer that is named'));
  elsif length(p_reason) not between 1 and 256 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'reason', 'reason', 'must have 1 to 256 characters'));
  end if;

  perform wallet.require_another((select w.owner_id from wallet.wallets w where w.id = p_wallet_id), p_actor);
  v_wallet := wallet.lock_wallet(p_wallet_id, null, null);
  if v_wallet.asset is null then
    perform wallet.raise_error('WA001', jsonb_build_object('wallet_id', p_wallet_id));
  elsif wallet.available(v_wallet.balance, v_wallet.held, p_floor) < 0 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'floor', 'reason', 'must not be above what the wallet has', 'balance', v_wallet.balance));
  end if;

  v_before := wallet.limits_on_record(p_wallet_id);
  perform wallet.end_due_holds(p_wallet_id, v_wallet.created_at);
  update wallet.wallets w
  set floor = p_floor, max_balance = p_max_balance, has_limits = cardinality(p_kinds) > 0
  where w.id = p_wallet_id;
  delete from wallet.limits l where l.wallet_id = p_wallet_id;
  insert into wallet.limits (wallet_id, kind, per_transaction, per_day, per_30_days)
  select p_wallet_id, i.*
  from unnest(p_kinds, p_per_transaction, p_per_day, p_per_30_days) i;
  perform wallet.rebuild_usage(p_wallet_id, v_wallet.created_at);
  perform wallet.record_action(
    p_actor, 'limits', null, p_wallet_id, p_reason, v_before, wallet.limits_on_record(p_wallet_id)
  );
  perform wallet.record_account_event(
    'wallet.limits_changed', w.owner_id, p_wallet_id, wallet.limits_on_record(p_wallet_id)
  )
  from wallet.wallets w
  where w.id = p_wallet_id;

  return query
  select l.kind, l.per_transaction, l.per_day, l.per_30_days, p_floor, p_max_balance
  from (select) as one
  left join wallet.limits l on l.wallet_id = p_wallet_id
  order by l.kind;
end;
$$;

comment on function public.wallet_set_limits(uuid, text[], bigint[], bigint[], bigint[], bigint, bigint, uuid, text) is
$$ Operators: replaces all limits of a wallet. What has moved in the last 30 days counts at once.

p_kinds           which kinds have limits: topup, spend (captures included), transfer (sent); empty for none
p_per_transaction, p_per_day, p_per_30_days  for each kind minor units per transaction and per rolling 24 hours and 30
                  days; null is no limit. A window's edge is an hour
p_floor           the lowest a debit may bring the wallet, 0 or below: an overdraft
p_max_balance     the highest a credit may bring it; null is 9007199254740991
p_actor           the operator; null for an administrator
p_reason          1 to 256 characters, kept on record; it should not name the person

Returns the limits as set, one row per kind, one row without a kind where there is none.
Errors: WA001 unknown wallet; WA002 invalid argument; WA027 operators only; WA038 the operator's own wallet. $$;
