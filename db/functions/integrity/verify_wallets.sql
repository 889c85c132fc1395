create or replace function wallet.verify_wallets()
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language sql
stable
as $$
  select f.violation, w.id, f.seq, f.transaction_id, f.detail
  from wallet.wallets w
  left join wallet.users u on u.id = w.owner_id
  left join wallet.assets a on a.code = w.asset
  left join lateral wallet.newest_entry(w.id) n on w.kind = 'user'
  left join lateral (
    select coalesce(sum(h.amount::numeric - h.captured), 0) as held
    from wallet.holds h
    where h.wallet_id = w.id and h.status = 'open' and h.expires_at > statement_timestamp()
  ) o on true
  left join lateral (
    select s.detail ->> 'to' as status
    from wallet.operator_actions s
    where s.wallet_id = w.id and s.action = 'status'
    order by s.id desc
    limit 1
  ) s on true
  left join lateral (
    select l.detail
    from wallet.operator_actions l
    where l.wallet_id = w.id and l.action = 'limits'
    order by l.id desc
    limit 1
  ) l on true
  cross join lateral (
    select coalesce(jsonb_agg(to_jsonb(i) - 'wallet_id' order by i.kind), '[]') as limits
    from wallet.limits i
    where i.wallet_id = w.id
  ) i
  cross join lateral (
    select coalesce(jsonb_agg(r.one order by r.one ->> 'kind'), '[]') as limits
    from jsonb_array_elements(l.detail -> 'limits') as r (one)
  ) r
  cross join lateral (values
    (
      'wallet', a.code is null or case w.kind
        when 'user' then u.id is not null and w.purpose is null
        when 'system' then w.owner_id is null and w.id = wallet.system_wallet_id(w.asset, w.purpose)
      end is not true,
      null::bigint, null::bigint,
      format('a %s wallet of owner %s in %s for %s', w.kind, coalesce(u.id::text, 'none'), w.asset, coalesce(w.purpose, 'nothing'))
    ),
    (
      'wallet', w.has_holds is not true and exists (select from wallet.holds h where h.wallet_id = w.id), null, null,
      'has_holds is false, and there are holds'
    ),
    (
      'wallet', w.has_limits is distinct from (i.limits <> '[]'), null, null,
      format('has_limits is %s, the limits are %s', w.has_limits, i.limits)
    ),
    (
      'wallet', w.is_plain is distinct from wallet.is_plain(w), null, null,
      format('is_plain is %s, which is not what the rest of the row says', w.is_plain)
    ),
    (
      'held', o.held > 0 and o.held > coalesce(n.balance_after, 0)::numeric - w.floor, n.seq, null,
      format('open holds set %s aside, the balance is %s and the floor %s', o.held, coalesce(n.balance_after, 0), w.floor)
    ),
    (
      'operator_action', w.status is distinct from coalesce(s.status, 'active'), null, null,
      format('status %s where operators set %s', w.status, coalesce(s.status, 'none'))
    ),
    (
      'operator_action',
      (w.floor::text, w.max_balance::text, i.limits)
        is distinct from (coalesce(l.detail ->> 'floor', '0'), l.detail ->> 'max_balance', r.limits),
      null, null, format(
        'floor %s, max_balance %s, limits %s where operators set %s', w.floor, coalesce(w.max_balance::text, 'none'), i.limits,
        coalesce(l.detail::text, 'none')
      )
    )
  ) as f (violation, applies, seq, transaction_id, detail)
  where f.applies
  union all
  select 'operator_action', c.wallet_id, t.seq, t.id, format('confirmation %s has no transaction of its request', c.id)
  from wallet.confirmations c
  left join wallet.transactions t on t.id = c.transaction_id
  where c.status = 'confirmed' and (t.wallet_id, t.txn_id, t.type::text, t.amount)
    is distinct from (c.wallet_id, c.txn_id, c.type, coalesce(c.amount, t.amount))
$$;

comment on function wallet.verify_wallets() is 'Wallets that are not what they say: wallet, held and operator_action of wallet_verify().';
