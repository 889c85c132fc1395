-- Each part reads a range of an index. With more than one filter, or for looks or all else alone, a page examines a
-- bounded number of rows, so that no call costs as much as the whole record.
create or replace function public.wallet_audit(
  p_user_id uuid default null,
  p_wallet_id uuid default null,
  p_operator_id uuid default null,
  p_action text default null,
  p_limit integer default 50,
  p_before_id bigint default null,
  p_actor uuid default null
)
returns table (
  id bigint, actor uuid, actor_username text, action text, user_id uuid, username text, wallet_id uuid, reason text,
  before jsonb, after jsonb, transaction_id bigint, created_at timestamptz, webhook_id uuid, asset text, scale smallint,
  key_id uuid
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  c_examined constant bigint := 1000;
  v_before_id constant bigint := coalesce(p_before_id, 9223372036854775807);
  v_index constant text := case
    when p_wallet_id is not null then 'wallet'
    when p_user_id is not null then 'user'
    when p_operator_id is not null then 'actor'
    when p_action not in ('read', 'done') then 'action'
    else 'id'
  end;
  v_reach bigint;
  v_ids bigint[];
  v_found bigint;
begin
  perform wallet.require_operator(p_actor);
  if p_limit is null or p_limit not between 1 and 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'limit', 'reason', 'must be between 1 and 1000'));
  elsif p_before_id < 1 then
    perform wallet.raise_error('WA024', jsonb_build_object('field', 'cursor'));
  end if;

  v_reach := case
    when num_nonnulls(p_user_id, p_wallet_id, p_operator_id, p_action) > (v_index <> 'id')::integer then c_examined
    else p_limit
  end;
  select array_agg(i.id order by i.id desc) into v_ids
  from (
    (
      select a.id
      from wallet.operator_actions a
      where v_index = 'id' and a.id < v_before_id
      order by a.id desc
      limit v_reach
    )
    union
    (
      select a.id
      from wallet.operator_actions a
      where v_index = 'wallet' and a.wallet_id = p_wallet_id and a.id < v_before_id
      order by a.wallet_id desc, a.id desc
      limit v_reach
    )
    union
    (
      select a.id
      from wallet.operator_actions a
      where v_index = 'user' and a.user_id = p_user_id and a.id < v_before_id
      order by a.user_id desc, a.id desc
      limit v_reach
    )
    union
    (
      -- rows from before they had an owner
      select a.id
      from wallet.wallets w
      cross join lateral (
        select o.id
        from wallet.operator_actions o
        where o.wallet_id = w.id and o.id < v_before_id
        order by o.wallet_id desc, o.id desc
        limit v_reach
      ) a
      where v_index = 'user' and w.owner_id = p_user_id
    )
    union
    (
      select a.id
      from wallet.operator_actions a
      where v_index = 'actor' and a.actor = p_operator_id and a.id < v_before_id
      order by a.actor desc, a.id desc
      limit v_reach
    )
    union
    (
      select a.id
      from wallet.operator_actions a
      where v_index = 'action' and a.action = p_action and a.action <> 'read' and a.id < v_before_id
      order by a.action desc, a.id desc
      limit v_reach
    )
    order by 1 desc
    limit v_reach
  ) i;

  return query
  select a.id, a.actor, (select u.username from wallet.users u where u.id = a.actor), a.action, o.user_id,
    (select u.username from wallet.users u where u.id = o.user_id), a.wallet_id,
    coalesce(
      a.reason, a.detail ->> 'reason',
      (select d.reference from wallet.transaction_details d where d.transaction_id = o.transaction_id),
      (select c.reference from wallet.confirmations c where c.id = o.proposal_id)
    ),
    case a.action when 'status' then jsonb_build_object('status', a.detail -> 'from') else a.before end,
    case a.action when 'status' then jsonb_build_object('status', a.detail -> 'to') else a.detail end,
    o.transaction_id, a.created_at, a.webhook_id, w.asset,
    (select s.scale from wallet.assets s where s.code = w.asset), a.key_id
  from unnest(v_ids) i (id)
  cross join lateral (select * from wallet.operator_actions x where x.id = i.id limit 1) a
  cross join lateral (
    select coalesce(a.user_id, (select w.owner_id from wallet.wallets w where w.id = a.wallet_id)),
      (a.detail ->> 'transaction_id')::bigint,
      case a.action when 'propose' then (a.detail ->> 'confirmation_id')::bigint end
  ) as o (user_id, transaction_id, proposal_id)
  left join lateral (select x.asset from wallet.wallets x where x.id = a.wallet_id limit 1) w on true
  where (p_user_id is null or o.user_id = p_user_id) and (p_operator_id is null or a.actor = p_operator_id)
    and (p_action is null or a.action = p_action or p_action = 'done' and a.action <> 'read')
  order by a.id desc
  limit p_limit;
  get diagnostics v_found = row_count;
  if v_found < p_limit and cardinality(v_ids) = v_reach then
    id := v_ids[v_reach];
    return next;
  end if;
end;
$$;

comment on function public.wallet_audit(uuid, uuid, uuid, text, integer, bigint, uuid) is
$$ Operators: what operators did and whom they looked at, newest first, a page at a time.

p_user_id, p_wallet_id    only rows about this user, of this wallet
p_operator_id, p_action   only by this operator, of this kind; 'done': of every kind but looks (read)
p_limit     rows in the page, 1 to 1000
p_before_id the id of the last row of the page before; null for the newest page
p_actor     the operator who asks; null for an administrator

before and after: what was so, and what is since then. A null actor was an administrator. The reason of what moved money
is the transaction's reference, and of a propose the request's: both go with their person. asset and scale are those of
the wallet, in whose minor units amounts are. With more than one filter, and for looks or 'done' alone, a page
examines 1,000 rows: where it stops before the end, its last row has an id and nothing else, and the next page goes
on from there. Who reads this record leaves no row in it.
Errors: WA002 invalid argument; WA024 invalid cursor; WA027 operators only. $$;
