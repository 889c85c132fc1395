-- A row without an item begins a list, which can be empty. What is named by `- '…'` is secret, or a hash that tells
-- nothing.
create or replace function public.wallet_export_user(
  p_username text
)
returns table (section text, item jsonb)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_user wallet.users;
  v_wallet_ids uuid[];
begin
  perform wallet.require_trust();
  select u.* into v_user
  from wallet.users u
  where u.username = wallet.username(p_username);
  if not found then
    perform wallet.raise_error('WA029', jsonb_build_object('username', p_username));
  end if;
  perform wallet.record_action(null, 'export', v_user.id, null);
  v_wallet_ids := array(select w.id from wallet.wallets w where w.owner_id = v_user.id order by w.asset);

  return query select 'user', to_jsonb(v_user) - 'password_hash';
  return query values ('wallets', null::jsonb);
  return query
  select 'wallets', to_jsonb(w)
  from wallet.wallets w
  where w.id = any (v_wallet_ids)
  order by w.asset;
  return query values ('limits', null::jsonb);
  return query
  select 'limits', to_jsonb(l)
  from wallet.limits l
  where l.wallet_id = any (v_wallet_ids)
  order by l.wallet_id, l.kind;
  return query values ('limit_usage', null::jsonb);
  return query
  select 'limit_usage', to_jsonb(u)
  from wallet.limit_usage u
  where u.wallet_id = any (v_wallet_ids)
  order by u.wallet_id, u.kind, u.hour;

  return query values ('transactions', null::jsonb);
  return query
  select 'transactions', jsonb_build_object('wallet_id', i.id) || to_jsonb(e) || jsonb_build_object(
    -- of a transfer that was received it is the sender's
    'available', case when e.type <> 'transfer' or e.amount < 0 then coalesce(
      (select a.available from wallet.transaction_available a where a.transaction_id = e.id), e.balance
    ) end
  )
  from unnest(v_wallet_ids) with ordinality as i (id, place)
  cross join lateral wallet.described_entries(i.id, 1, 9223372036854775807) e;
  return query values ('refunds', null::jsonb);
  return query
  select 'refunds', to_jsonb(r)
  from unnest(v_wallet_ids) with ordinality as i (id, place)
  cross join lateral wallet.described_entries(i.id, 1, 9223372036854775807) e
  join wallet.refunds r on r.transaction_id = e.id
  where e.type = 'refund';
  return query values ('holds', null::jsonb);
  return query
  select 'holds', to_jsonb(h)
  from wallet.holds h
  where h.wallet_id = any (v_wallet_ids)
  order by h.wallet_id, h.id;
  return query values ('hold_events', null::jsonb);
  return query
  select 'hold_events', to_jsonb(e) - 'hash'
  from wallet.holds h
  join wallet.hold_events e on e.hold_id = h.id
  where h.wallet_id = any (v_wallet_ids)
  order by h.wallet_id, h.id, e.id;

  return query values ('outbox', null::jsonb);
  return query
  select 'outbox', to_jsonb(o)
  from unnest(v_wallet_ids) with ordinality as i (id, place)
  cross join lateral wallet.described_entries(i.id, 1, 9223372036854775807) e
  join wallet.outbox o on o.transaction_id = e.id;
  return query values ('inbox', null::jsonb);
  return query
  select 'inbox', to_jsonb(b)
  from unnest(v_wallet_ids) with ordinality as i (id, place)
  cross join lateral wallet.described_entries(i.id, 1, 9223372036854775807) e
  join wallet.inbox b on b.transaction_id = e.id;
  return query values ('confirmations', null::jsonb);
  return query
  select 'confirmations', to_jsonb(c)
  from wallet.confirmations c
  where c.wallet_id = any (v_wallet_ids)
  order by c.id;
  return query values ('operator_actions', null::jsonb);
  return query
  select 'operator_actions', to_jsonb(a)
  from (
    select o.* from wallet.operator_actions o where o.user_id = v_user.id
    union all
    select o.* from wallet.operator_actions o where o.wallet_id = any (v_wallet_ids) and o.user_id is null
  ) a
  order by a.id;
  -- of what the user did as an operator, whom it was about is theirs
  return query values ('actions_taken', null::jsonb);
  return query
  select 'actions_taken', jsonb_build_object('id', a.id, 'action', a.action, 'created_at', a.created_at)
  from wallet.operator_actions a
  where a.actor = v_user.id
  order by a.id;
  return query values ('account_events', null::jsonb);
  return query
  select 'account_events', to_jsonb(e)
  from wallet.account_events e
  where e.user_id = v_user.id
  order by e.id;
  return query values ('erasures', null::jsonb);
  return query
  select 'erasures', to_jsonb(e)
  from wallet.erasures e
  where e.user_id = v_user.id
  order by e.id;
  return query values ('reserved_names', null::jsonb);
  return query
  select 'reserved_names', to_jsonb(n) - 'digest'
  from wallet.reserved_names n
  where n.user_id = v_user.id;

  return query values ('key_subjects', null::jsonb);
  return query
  select 'key_subjects', to_jsonb(s) || jsonb_build_object('name', k.name, 'scopes', k.scopes)
  from wallet.key_subjects s
  join wallet.api_keys k on k.id = s.key_id
  where s.user_id = v_user.id
  order by s.key_id;
  return query values ('key_uses', null::jsonb);
  return query
  select 'key_uses', to_jsonb(u)
  from (
    select e.id
    from unnest(v_wallet_ids) as i (id)
    cross join lateral wallet.described_entries(i.id, 1, 9223372036854775807) e
    where e.type <> 'transfer' or e.amount < 0
    union
    select e.id
    from wallet.holds h
    join wallet.hold_events e on e.hold_id = h.id
    where h.wallet_id = any (v_wallet_ids)
  ) r
  join wallet.key_uses u on u.id = r.id
  order by u.id;

  return query values ('operator_logins', null::jsonb);
  return query
  select 'operator_logins', to_jsonb(l)
  from wallet.operator_logins l
  where l.user_id = v_user.id
  order by l.login;
  return query values ('sign_in_tries', null::jsonb);
  return query
  select 'sign_in_tries', to_jsonb(t) - 'key'
  from wallet.sign_in_keys(v_user.username, null) k
  join wallet.sign_in_tries t on t.key = k.key
  where k.kind = 'account';
  return query values ('revocations', null::jsonb);
  return query
  select 'revocations', to_jsonb(r) - 'token_id' - 'transaction'
  from wallet.revocations r
  where r.user_id = v_user.id
  order by r.id;
  return query values ('password_resets', null::jsonb);
  return query
  select 'password_resets', to_jsonb(r) - 'token_hash'
  from wallet.password_resets r
  where r.user_id = v_user.id;
  return query values ('sessions', null::jsonb);
  return query
  select 'sessions', to_jsonb(s) - 'session_hash'
  from wallet.sessions s
  where s.user_id = v_user.id
  order by s.started_at;
end;
$$;

comment on function public.wallet_export_user(text) is
$$ All that is stored about a person: one row for the user, then for each list a row without an item and its items. On
record as an administrator's action. The lists agree with one another in a REPEATABLE READ transaction.

Left out: hashes of the password, of tokens and of sessions, hashes and salts of the ledger, the digest of a reserved
name, and whom the user's own actions as an operator were about. For administrators.
Errors: WA029 unknown user; WA035 administrators only. $$;
