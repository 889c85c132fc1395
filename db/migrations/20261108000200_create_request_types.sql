-- migrate:up
set local role wallet_owner;

-- Only functions inside the database pass these to each other: an argument of a composite type cannot change while
-- pooled connections remember the old one.
create type wallet.request as (
  type text,
  wallet_id uuid,
  txn_id uuid,
  amount bigint,
  reference text,
  metadata jsonb,
  effective_at timestamptz,
  actor uuid,
  to_wallet_id uuid,
  original_txn_id uuid,
  final boolean,
  expires_in integer
);

comment on type wallet.request is 'A mutation as the client sent it, before defaults: what a replay must match.';

create type wallet.opening as (
  asset text,
  scale smallint,
  status text,
  floor bigint,
  max_balance bigint,
  has_holds boolean,
  has_limits boolean,
  seq bigint,
  balance bigint,
  held bigint,
  created_at timestamptz,
  earlier_id bigint,
  earlier_event text
);

comment on type wallet.opening is 'The state in which a mutation finds the wallet that it has locked; asset is null for an unknown one.';

-- migrate:down
drop type wallet.opening;
drop type wallet.request;
