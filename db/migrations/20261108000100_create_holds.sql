-- migrate:up
set local role wallet_owner;

create table wallet.holds (
  id bigint generated always as identity,
  wallet_id uuid not null,
  txn_id uuid not null,
  amount bigint not null,
  captured bigint not null default 0,
  status text not null default 'open',
  expires_in integer,
  expires_at timestamptz not null,
  reference text,
  metadata jsonb,
  created_at timestamptz not null,
  constraint holds_pkey primary key (id),
  constraint holds_wallet_fkey foreign key (wallet_id) references wallet.wallets (id),
  constraint holds_wallet_txn_key unique (wallet_id, txn_id),
  constraint holds_amount_range check (amount between 1 and 9007199254740991),
  constraint holds_captured_range check (captured between 0 and amount),
  constraint holds_status_known check (status in ('open', 'captured', 'voided'))
);

create index holds_newest_idx on wallet.holds (wallet_id, id);
create index holds_open_idx on wallet.holds (wallet_id, expires_at) where status = 'open';

comment on table wallet.holds is
  'Money set aside in a wallet. A hold posts nothing; what is left of an open, unexpired one cannot be spent.';
comment on column wallet.holds.status is 'open (until it expires, by the clock); captured: closed by a capture; voided.';

create table wallet.hold_events (
  hold_id bigint not null,
  wallet_id uuid not null,
  txn_id uuid not null,
  event text not null,
  amount bigint not null,
  final boolean not null default false,
  requested_amount bigint,
  transaction_id bigint,
  balance_after bigint not null,
  available_after bigint not null,
  created_at timestamptz not null,
  constraint hold_events_pkey primary key (wallet_id, txn_id),
  constraint hold_events_hold_fkey foreign key (hold_id) references wallet.holds (id),
  constraint hold_events_event_known check (event in ('hold', 'capture', 'void')),
  constraint hold_events_transaction_given check ((event = 'capture') = (transaction_id is not null))
);

create index hold_events_hold_idx on wallet.hold_events (hold_id);

comment on table wallet.hold_events is 'What happened to holds, append-only, by the txn_id of the request that did it.';
comment on column wallet.hold_events.amount is 'Minor units set aside (hold), taken (capture) or released (void).';
comment on column wallet.hold_events.requested_amount is 'Captures: the amount as the client sent it, null for all that is left.';
comment on column wallet.hold_events.available_after is 'What was available in the wallet right after it: replays answer with it.';

create table wallet.refunds (
  transaction_id bigint not null,
  original_id bigint not null,
  requested_amount bigint,
  constraint refunds_pkey primary key (transaction_id),
  constraint refunds_transaction_fkey foreign key (transaction_id) references wallet.transactions (id),
  constraint refunds_original_fkey foreign key (original_id) references wallet.transactions (id)
);

create index refunds_original_idx on wallet.refunds (original_id) include (transaction_id);

comment on table wallet.refunds is 'Which transaction a refund gives back, append-only.';

create table wallet.transaction_available (
  transaction_id bigint not null,
  available bigint not null,
  constraint transaction_available_pkey primary key (transaction_id),
  constraint transaction_available_transaction_fkey foreign key (transaction_id) references wallet.transactions (id)
);

comment on table wallet.transaction_available is
  'What was available right after a transaction, kept where that was not its balance: replays answer with it.';

create table wallet.limits (
  wallet_id uuid not null,
  kind text not null,
  per_transaction bigint,
  per_day bigint,
  per_30_days bigint,
  constraint limits_pkey primary key (wallet_id, kind),
  constraint limits_wallet_fkey foreign key (wallet_id) references wallet.wallets (id),
  constraint limits_kind_known check (kind in ('topup', 'spend', 'transfer')),
  constraint limits_range check (per_transaction >= 0 and per_day >= 0 and per_30_days >= 0)
);

comment on table wallet.limits is
  'Operators'' limits in minor units, by kind: topup, spend (captures included), transfer (sent). Null is no limit.';

create table wallet.limit_usage (
  wallet_id uuid not null,
  kind text not null,
  hour timestamptz not null,
  amount numeric not null,
  constraint limit_usage_pkey primary key (wallet_id, kind, hour),
  constraint limit_usage_wallet_fkey foreign key (wallet_id) references wallet.wallets (id)
);

comment on table wallet.limit_usage is 'How much moved in each hour, kept only for wallets that have limits.';

-- migrate:down
drop table wallet.limit_usage, wallet.limits, wallet.transaction_available, wallet.refunds, wallet.hold_events, wallet.holds;
