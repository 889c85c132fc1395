create function wallet_proxy.split_batch(
  p_types text[],
  p_wallet_ids uuid[],
  p_txn_ids uuid[],
  p_amounts bigint[],
  p_references text[],
  p_metadata jsonb[],
  p_actors uuid[],
  p_skip_locked boolean,
  p_to_wallet_ids uuid[],
  p_original_txn_ids uuid[],
  p_finals boolean[],
  p_expires_in integer[],
  p_effective_at timestamptz[],
  p_to_usernames text[],
  p_key_ids uuid[],
  p_places integer[]
)
returns table (
  ordinal integer, outcome text, detail jsonb, hint text, id bigint, txn_id uuid, wallet_id uuid, type text,
  amount bigint, asset text, scale smallint, balance bigint, available bigint, replayed boolean,
  created_at timestamptz, receipt text
)
language plproxy
as $$
  cluster 'pgwallet';
  split all;
  run on wallet_proxy.partition_of(wallet.number_of(p_wallet_ids));
  select (p_places::integer[])[b.ordinal] as ordinal, b.outcome, b.detail, b.hint, b.id, b.txn_id, b.wallet_id, b.type,
    b.amount, b.asset, b.scale, b.balance, b.available, b.replayed, b.created_at, b.receipt
  from public.wallet_batch(
    p_types, p_wallet_ids, p_txn_ids, p_amounts, p_references, p_metadata, p_actors, p_skip_locked, p_to_wallet_ids,
    p_original_txn_ids, p_finals, p_expires_in, p_effective_at, p_to_usernames, p_key_ids
  ) b;
$$;
