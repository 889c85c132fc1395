-- Wallets are independent of one another, so the server's workers share them.
create or replace function wallet.compare_wallets(
  p_from uuid,
  p_upto uuid,
  p_chain boolean,
  p_seed bigint
)
returns table (
  wallet_id uuid, seq bigint, transaction_id bigint, balance_after bigint, recorded_at timestamptz,
  created_at timestamptz, expected_seq bigint, expected_balance numeric, time_before timestamptz, floor bigint,
  own bigint, received numeric, is_newest boolean, is_lost boolean, is_suspect boolean, is_out_of_order boolean,
  is_altered boolean, is_below_floor boolean
)
language sql
stable
set min_parallel_table_scan_size = 0
set min_parallel_index_scan_size = 0
set parallel_setup_cost = 0
set parallel_tuple_cost = 0
as $$
  select f.*
  from wallet.wallets w
  cross join lateral wallet.compare_wallet(
    w.id, coalesce(w.kind = 'user', false), coalesce(w.asset, ''), coalesce(w.floor, -9223372036854775808), p_chain,
    p_seed
  ) f
  where w.id between p_from and p_upto and w.kind is distinct from 'system'
$$;

comment on function wallet.compare_wallets(uuid, uuid, boolean, bigint) is
  'wallet.compare_wallet() of the user wallets from one id to another.';
