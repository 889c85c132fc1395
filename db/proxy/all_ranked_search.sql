create function wallet_proxy.all_ranked_search(
  p_query text,
  p_actor uuid
)
returns table (
  rank bigint, kind text, user_id uuid, username text, role text, wallet_id uuid, asset text, scale smallint, status text,
  balance bigint, id bigint, txn_id uuid, type text, amount bigint, reference text, created_at timestamptz,
  erased_at timestamptz
)
language plproxy
as $$
  cluster 'pgwallet';
  run on all;
  select row_number() over () as rank, s.* from public.wallet_search(p_query, p_actor) s;
$$;
