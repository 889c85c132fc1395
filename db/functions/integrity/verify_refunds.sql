create or replace function wallet.verify_refunds()
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language sql
stable
as $$
  select 'refund', o.wallet_id, o.seq, o.id, format('refunds of %s for a %s of %s', sum(t.amount), o.type, o.amount)
  from wallet.refunds r
  join wallet.transactions t on t.id = r.transaction_id
  join wallet.transactions o on o.id = r.original_id
  group by o.id
  having sum(t.amount) > o.amount or bool_or(t.wallet_id <> o.wallet_id) or bool_or(t.type <> 'refund')
    or o.type not in ('spend', 'capture')
  union all
  select 'refund', t.wallet_id, t.seq, t.id, 'a refund without an original'
  from wallet.transactions t
  where t.type = 'refund' and not exists (
    select from wallet.refunds r join wallet.transactions o on o.id = r.original_id where r.transaction_id = t.id
  )
$$;

comment on function wallet.verify_refunds() is 'Refunds above their original, of another wallet, or without one, see wallet_verify().';
