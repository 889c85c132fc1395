create function wallet_proxy.split_balances(
  p_wallet_ids uuid[],
  p_actors uuid[],
  p_key_ids uuid[],
  p_places integer[]
)
returns table (
  ordinal integer, wallet_id uuid, asset text, scale smallint, balance bigint, held bigint, available bigint,
  status text
)
language plproxy
as $$
  cluster 'pgwallet';
  split all;
  run on wallet_proxy.partition_of(wallet.number_of(p_wallet_ids));
  select (p_places::integer[])[b.ordinal] as ordinal, b.wallet_id, b.asset, b.scale, b.balance, b.held, b.available, b.status
  from public.wallet_balances(p_wallet_ids, p_actors, p_key_ids) b;
$$;
