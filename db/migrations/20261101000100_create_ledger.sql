-- migrate:up
set local role wallet_owner;

-- No foreign keys on the two hot tables: a check of the system wallet's row would be a lock that all writers share,
-- and rows get here only through functions that know both sides. wallet_verify() checks what a key would have.

create type wallet.transaction_type as enum ('bonus', 'topup', 'spend', 'transfer', 'capture', 'refund', 'adjustment');

-- Constraints are parsed anew by every statement that inserts, so the hot tables carry few: what an enum or a unique
-- key already says is not said again.
create table wallet.transactions (
  id bigint not null,
  seq bigint not null,
  amount bigint not null,
  created_at timestamptz not null,
  wallet_id uuid not null,
  txn_id uuid not null,
  type wallet.transaction_type not null,
  constraint transactions_pkey primary key (id),
  constraint transactions_wallet_txn_key unique (wallet_id, txn_id),
  constraint transactions_amount_range check (amount between 1 and 9007199254740991)
);

create sequence wallet.transaction_ids as bigint owned by wallet.transactions.id;

comment on table wallet.transactions is 'One row per movement of money, append-only. Its two entries are in wallet.ledger.';
comment on column wallet.transactions.seq is 'The place of its entry in the wallet: ledger (wallet_id, seq).';
comment on column wallet.transactions.txn_id is 'The client''s idempotency key, unique within the wallet.';
comment on column wallet.transactions.created_at is 'Taken under the wallet''s lock: never falls as seq rises.';

create table wallet.ledger (
  seq bigint not null,
  transaction_id bigint not null,
  amount bigint not null,
  balance_after bigint,
  wallet_id uuid not null,
  constraint ledger_pkey primary key (wallet_id, seq),
  constraint ledger_amounts_range check (amount <> 0 and balance_after between -9007199254740991 and 9007199254740991)
);

comment on table wallet.ledger is
  'Double entry, append-only: every transaction has exactly two entries that net to zero. The balance of a wallet is the sum of its amounts.';
comment on column wallet.ledger.seq is 'User wallets: 1, 2, 3 … without gaps. System wallets: the transaction''s id.';
comment on column wallet.ledger.amount is 'Minor units; positive credits the wallet, negative debits it.';
comment on column wallet.ledger.balance_after is 'User wallets: the sum of amount up to and with this entry. System wallets: null, for no row may be hot.';

create table wallet.transaction_details (
  transaction_id bigint not null,
  reference text,
  metadata jsonb,
  constraint transaction_details_pkey primary key (transaction_id),
  constraint transaction_details_transaction_fkey foreign key (transaction_id) references wallet.transactions (id),
  constraint transaction_details_reference_length check (length(reference) between 1 and 256),
  constraint transaction_details_metadata_object check (jsonb_typeof(metadata) = 'object'),
  constraint transaction_details_given check (reference is not null or metadata is not null)
);

comment on table wallet.transaction_details is 'Free text of a transaction, apart from the money so that it alone can be erased.';

create type wallet.transaction_result as (
  id bigint,
  txn_id uuid,
  wallet_id uuid,
  type text,
  amount bigint,
  asset text,
  scale smallint,
  balance bigint,
  available bigint,
  replayed boolean,
  created_at timestamptz
);

comment on type wallet.transaction_result is 'What every mutation returns. Amounts in minor units of asset; balance and available right after it.';

create type wallet.outcome as (
  code text,
  detail jsonb,
  result wallet.transaction_result
);

comment on type wallet.outcome is 'How a request ended: a refusal (SQLSTATE and detail) or a result. Single calls raise the refusal, batches report it.';

-- migrate:down
drop type wallet.outcome;
drop type wallet.transaction_result;
drop table wallet.transaction_details, wallet.ledger, wallet.transactions;
drop type wallet.transaction_type;
