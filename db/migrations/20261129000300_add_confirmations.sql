-- migrate:up
set local role wallet_owner;

-- What foreign keys lead to, in the order of requests: see find_and_audit.
lock table wallet.users, wallet.wallets in share row exclusive mode;

create table wallet.confirmations (
  id bigint generated always as identity,
  type text not null,
  wallet_id uuid not null,
  txn_id uuid not null,
  original_txn_id uuid,
  amount bigint,
  expected bigint not null,
  reference text,
  metadata jsonb,
  effective_at timestamptz,
  actor uuid not null,
  created_at timestamptz not null,
  status text not null default 'waiting',
  decided_by uuid,
  decided_at timestamptz,
  reason text,
  transaction_id bigint,
  constraint confirmations_pkey primary key (id),
  constraint confirmations_wallet_txn_key unique (wallet_id, txn_id),
  constraint confirmations_wallet_fkey foreign key (wallet_id) references wallet.wallets (id),
  constraint confirmations_actor_fkey foreign key (actor) references wallet.users (id),
  constraint confirmations_decided_by_fkey foreign key (decided_by) references wallet.users (id),
  constraint confirmations_type_known check (type in ('adjustment', 'refund')),
  constraint confirmations_status_known check (status in ('waiting', 'confirmed', 'rejected')),
  constraint confirmations_another_confirms check (status <> 'confirmed' or decided_by is distinct from actor),
  constraint confirmations_decision_given check ((status = 'waiting') = (decided_at is null)),
  constraint confirmations_transaction_given check ((status = 'confirmed') = (transaction_id is not null))
);

create index confirmations_status_idx on wallet.confirmations (status, id);

comment on table wallet.confirmations is
  'Operators'' requests above PGWALLET_FOUR_EYES, as they were sent: nothing moves until another operator confirms one.';
comment on column wallet.confirmations.amount is 'As in the request: null for a refund of all that is left.';
comment on column wallet.confirmations.expected is 'Minor units that it moves, as they were when it was asked for.';
comment on column wallet.confirmations.actor is 'The operator who asks.';
comment on column wallet.confirmations.decided_by is 'Who confirmed or rejected it; null of a decided one is the database''s administrator.';
comment on column wallet.confirmations.reason is 'Why it was rejected.';

create type wallet.described_confirmation as (
  id bigint,
  type text,
  wallet_id uuid,
  txn_id uuid,
  original_txn_id uuid,
  amount bigint,
  expected bigint,
  asset text,
  scale smallint,
  reference text,
  metadata jsonb,
  effective_at timestamptz,
  actor uuid,
  created_at timestamptz,
  status text,
  decided_by uuid,
  decided_at timestamptz,
  reason text,
  transaction_id bigint
);

revoke all on type wallet.described_confirmation from public;
comment on type wallet.described_confirmation is 'A confirmation as operators see it, with the asset of its amounts.';

-- migrate:down
set local role wallet_owner;

-- with the functions that stand on it
drop type wallet.described_confirmation cascade;
drop table wallet.confirmations cascade;
