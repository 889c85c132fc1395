create or replace function wallet.verify_oddities()
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language sql
stable
as $$
  select 'warning: future', w.id, n.seq, null::bigint, format('its newest entry is of %s, the clock says %s', n.recorded_at, clock_timestamp())
  from wallet.wallets w
  cross join lateral wallet.newest_entry(w.id) n
  where w.kind = 'user' and n.recorded_at > clock_timestamp()
  union all
  select 'warning: effective_at', t.wallet_id, t.seq, d.transaction_id, format('effective_at %s', d.effective_at)
  from wallet.transaction_details d
  left join wallet.transactions t on t.id = d.transaction_id
  where d.effective_at < '0001-01-01 00:00+00' or d.effective_at >= '10000-01-01 00:00+00'
  union all
  select 'warning: name', null, null, null, format('user %s was erased before names were reserved: somebody else may have the name', u.id)
  from wallet.users u
  where u.erased_at is not null and not exists (select from wallet.reserved_names r where r.user_id = u.id)
$$;

comment on function wallet.verify_oddities() is 'What is odd and may be honest: the warnings of wallet_verify().';
