create or replace function wallet.left_to_refund(
  p_original wallet.transactions
)
returns bigint
language sql
stable
as $$
  select p_original.amount - coalesce(sum(t.amount), 0)::bigint
  from wallet.refunds r
  cross join lateral (select x.amount from wallet.transactions x where x.id = r.transaction_id limit 1) t
  where r.original_id = p_original.id
$$;

comment on function wallet.left_to_refund(wallet.transactions) is
  'What refunds have not given back yet of a spend or capture, in minor units. Linear in them; final only under its wallet''s lock.';
