create or replace function wallet.balance_after(
  p_wallet_id uuid,
  p_seq bigint
)
returns bigint
language sql
stable
as $$
  select coalesce((select l.balance_after from wallet.ledger l where l.wallet_id = p_wallet_id and l.seq = p_seq), 0)
$$;

comment on function wallet.balance_after(uuid, bigint) is 'The balance of a user wallet right after its entry p_seq; 0 before the first.';
