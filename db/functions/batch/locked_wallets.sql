create or replace function wallet.locked_wallets(
  p_wallet_ids uuid[],
  p_owner_ids uuid[],
  p_assets text[],
  p_plain boolean[]
)
returns table (
  wallet_id uuid, owner_id uuid, asset text, is_plain boolean, seq bigint, balance bigint, newest_at timestamptz,
  hash bytea
)
language sql
volatile
rows 1000
as $$
  select w.id, w.owner_id, w.asset, w.is_plain, coalesce(n.seq, 0), coalesce(n.balance_after, 0), n.recorded_at, n.hash
  from unnest(p_wallet_ids, p_owner_ids, p_assets, p_plain) as w (id, owner_id, asset, is_plain)
  left join lateral wallet.newest_entry(w.id) n on true
$$;

comment on function wallet.locked_wallets(uuid[], uuid[], text[], boolean[]) is
  'The state of each wallet that a batch has locked.';
