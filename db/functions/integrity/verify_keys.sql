-- Both ends of each row by index: a ledger in which no key was used costs nothing.
create or replace function wallet.verify_keys()
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language sql
stable
as $$
  select 'key', r.wallet_id, r.seq, t.id, format(
    '%s by key %s, %s', coalesce('a ' || r.type, 'use ' || u.id), u.key_id, f.fault
  )
  from wallet.key_uses u
  left join lateral (select * from wallet.transactions x where x.id = u.id limit 1) t on true
  left join lateral (select * from wallet.hold_events x where x.id = u.id limit 1) e on true
  left join lateral (select * from wallet.api_keys x where x.id = u.key_id limit 1) k on true
  cross join lateral (
    select coalesce(t.wallet_id, e.wallet_id), t.seq, coalesce(t.type::text, e.event)
  ) as r (wallet_id, seq, type)
  left join lateral (select x.owner_id from wallet.wallets x where x.id = r.wallet_id limit 1) w on true
  cross join lateral (
    select case
      when k.id is null then 'which does not exist'
      when r.type is null then 'of which nothing is on record'
      when wallet.key_scope(r.type) <> all (k.scopes) then format('which has the scopes %s', array_to_string(k.scopes, ', '))
      when not k.all_users and not exists (
        select from wallet.key_subjects s where s.key_id = k.id and s.user_id = w.owner_id
      ) then format('which is not for user %s', coalesce(w.owner_id::text, 'nobody'))
    end
  ) as f (fault)
  where f.fault is not null
$$;

comment on function wallet.verify_keys() is
  'Uses of keys that are of nothing on record, of no key, or of what their key may not do, or not for this user: key of wallet_verify().';
