create or replace function public.wallet_inspect_wallet(
  p_wallet_id uuid,
  p_actor uuid default null
)
returns table (
  wallet_id uuid, kind text, purpose text, user_id uuid, username text, asset text, scale smallint, status text,
  balance bigint, held bigint, available bigint, floor bigint, max_balance bigint, limits jsonb, status_history jsonb,
  created_at timestamptz
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
  c_history constant bigint := 50;
  v_now constant timestamptz := clock_timestamp();
  v_wallet wallet.wallets;
begin
  perform wallet.require_operator(p_actor);
  if p_wallet_id is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'wallet_id', 'reason', 'must not be null'));
  end if;
  select w.* into v_wallet
  from wallet.wallets w
  where w.id = p_wallet_id;
  if not found then
    perform wallet.raise_error('WA001', jsonb_build_object('wallet_id', p_wallet_id));
  end if;
  if v_wallet.kind = 'user' then
    perform wallet.inspect(p_wallet_id, 'wallet', p_actor);
    floor := v_wallet.floor;
    balance := coalesce((select n.balance_after from wallet.newest_entry(p_wallet_id) n), 0);
    held := wallet.held(p_wallet_id, v_now);
    available := wallet.available(balance, held, floor);
  end if;

  return query
  select v_wallet.id, v_wallet.kind, v_wallet.purpose, v_wallet.owner_id,
    (select u.username from wallet.users u where u.id = v_wallet.owner_id), v_wallet.asset,
    (select a.scale from wallet.assets a where a.code = v_wallet.asset), v_wallet.status, balance, held,
    available, floor, v_wallet.max_balance,
    case when v_wallet.has_limits then wallet.described_limits(p_wallet_id, v_now) else '{}' end,
    coalesce((
      select jsonb_agg(
        jsonb_build_object(
          'status', s.detail ->> 'to', 'previous_status', s.detail ->> 'from', 'reason', s.detail ->> 'reason',
          'actor', s.actor, 'actor_username', (select u.username from wallet.users u where u.id = s.actor),
          'changed_at', s.created_at
        )
        order by s.id desc
      )
      from (
        select a.*
        from wallet.operator_actions a
        where a.wallet_id = p_wallet_id and a.action = 'status'
        order by a.id desc
        limit c_history
      ) s
    ), '[]'),
    v_wallet.created_at;
end;
$$;

comment on function public.wallet_inspect_wallet(uuid, uuid) is
$$ Operators: a wallet as it is now, and leaves on record that its owner was shown.

p_actor the operator; null for an administrator

Amounts are minor units of asset. limits is {"spend": {"per_day": {"maximum", "used", "left"}}}, by kind and window.
status_history is an array of at most 50 changes, newest first: status, previous_status, reason, actor (null: an
administrator), actor_username, changed_at. A system wallet has a purpose and no owner; its balance is not kept, so it
and what follows from it are null, as is floor.
Errors: WA001 unknown wallet; WA002 invalid argument; WA027 operators only. $$;
