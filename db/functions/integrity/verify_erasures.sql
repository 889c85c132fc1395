create or replace function wallet.verify_erasures()
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language sql
stable
as $$
  select 'erasure', t.wallet_id, t.seq, d.transaction_id, 'the details are erased, and there is no erasure of the wallet''s owner'
  from wallet.transaction_details d
  left join wallet.transactions t on t.id = d.transaction_id
  left join wallet.wallets w on w.id = t.wallet_id
  where d.salt is null and not exists (select from wallet.erasures e where e.user_id = w.owner_id)
    and not exists (select from wallet.inbox i where i.transaction_id = d.transaction_id and i.is_erased)
  union all
  select 'erasure', null, null, null, format(
    'user %s is %s, and there is %s on record', u.id, case when u.erased_at is null then 'not erased' else 'erased' end,
    case when u.erased_at is null then 'an erasure' else 'no erasure' end
  )
  from wallet.users u
  where (u.erased_at is not null) <> exists (select from wallet.erasures e where e.user_id = u.id)
  union all
  select 'erasure', w.id, null, null, format('is_erased is %s, which is not what its owner is', coalesce(w.is_erased::text, 'null'))
  from wallet.wallets w
  left join wallet.users u on u.id = w.owner_id
  where w.is_erased is distinct from (u.erased_at is not null)
$$;

comment on function wallet.verify_erasures() is 'Erasures that details, users, wallets and the record do not agree on: erasure of wallet_verify().';
