-- Numbers are given out in order, so the first and the last of each table tell of all between them.
create or replace function wallet.verify_cluster()
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language sql
stable
as $$
  select 'home', null::uuid, null::bigint, null::bigint,
    format('user %s is one of database %s, and no copy of an operator; this is database %s', u.id, wallet.number_of(u.id), s.number)
  from wallet.shard s
  cross join wallet.users u
  where wallet.number_of(u.id) <> s.number and u.password_hash not in ('elsewhere', 'erased')
  union all
  select 'home', w.id, null, null,
    format('its id is one of database %s, its owner''s of %s; this is database %s', wallet.number_of(w.id), wallet.number_of(w.owner_id), s.number)
  from wallet.shard s
  cross join wallet.wallets w
  where w.kind = 'user' and (wallet.number_of(w.id) <> s.number or wallet.number_of(w.owner_id) <> s.number)
  union all
  select 'home', null, null, null, format('the name of user %s lives elsewhere, in every generation of homes', u.id)
  from wallet.shard s
  cross join wallet.users u
  where wallet.number_of(u.id) = s.number
    and u.erased_at is null
    and not exists (
      select
      from wallet.homes h
      where h.numbers = array[s.number] or wallet.home_of(u.username, h.numbers) = s.number
    )
  union all
  select 'number', null, null, n.id, format('%s has %s, which is one of database %s; this is database %s', n.source, n.id, n.id >> 40, s.number)
  from wallet.shard s
  cross join (
    select 'transactions', unnest(array[min(t.id), max(t.id)]) from wallet.transactions t
    union
    select 'account_events', unnest(array[min(e.id), max(e.id)]) from wallet.account_events e
    union
    select 'holds', unnest(array[min(h.id), max(h.id)]) from wallet.holds h
    union
    select 'hold_events', unnest(array[min(e.id), max(e.id)]) from wallet.hold_events e
  ) n (source, id)
  -- a migration gave events of before negative ones
  where n.id >> 40 <> s.number and (n.id >= 0 or s.number > 0)
$$;

comment on function wallet.verify_cluster() is 'Ids and names that are not this database''s: home and number of wallet_verify().';
