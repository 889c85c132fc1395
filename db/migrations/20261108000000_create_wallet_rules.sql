-- migrate:up
set local role wallet_owner;

alter table wallet.wallets
  add column floor bigint not null default 0,
  add column max_balance bigint,
  add column has_holds boolean not null default false,
  add column has_limits boolean not null default false,
  drop constraint wallets_status_known,
  add constraint wallets_status_known check (status in ('active', 'frozen', 'closed')),
  add constraint wallets_floor_range check (floor between -9007199254740991 and 0),
  add constraint wallets_max_balance_range check (max_balance between 0 and 9007199254740991);

comment on column wallet.wallets.status is
  'active; frozen: no new debits, holds or captures; closed: nothing at all, only with a balance of zero.';
comment on column wallet.wallets.floor is 'The lowest available amount a debit may leave, in minor units; below zero is an overdraft.';
comment on column wallet.wallets.has_holds is 'Whether the wallet ever had a hold: others need not be asked for any.';
comment on column wallet.wallets.has_limits is 'Whether wallet.limits and wallet.limit_usage have rows for it.';

alter table wallet.transactions
  add column counterparty_id uuid,
  drop constraint transactions_amount_range,
  add constraint transactions_amount_range check (abs(amount) between 1 and 9007199254740991);

comment on column wallet.transactions.amount is 'Minor units, positive; an adjustment''s is signed.';
comment on column wallet.transactions.counterparty_id is 'Transfers only: the wallet that received.';

alter table wallet.transaction_details
  add column effective_at timestamptz,
  drop constraint transaction_details_given,
  add constraint transaction_details_given check (num_nonnulls(reference, metadata, effective_at) > 0);

comment on column wallet.transaction_details.effective_at is 'When it happened in the client''s world: shown, never computed with.';

create table wallet.operator_actions (
  id bigint generated always as identity,
  wallet_id uuid not null,
  actor uuid,
  action text not null,
  detail jsonb not null,
  created_at timestamptz not null default clock_timestamp(),
  constraint operator_actions_pkey primary key (id),
  constraint operator_actions_wallet_fkey foreign key (wallet_id) references wallet.wallets (id)
);

comment on table wallet.operator_actions is 'What operators changed, append-only: status, limits, adjustments. A null actor is the database''s administrator.';

-- migrate:down
drop table wallet.operator_actions;
comment on column wallet.transactions.amount is null;
comment on column wallet.wallets.status is null;
delete from wallet.transaction_details where reference is null and metadata is null;
alter table wallet.transaction_details
  drop constraint transaction_details_given,
  drop column effective_at,
  add constraint transaction_details_given check (reference is not null or metadata is not null);
alter table wallet.transactions
  drop column counterparty_id,
  drop constraint transactions_amount_range,
  add constraint transactions_amount_range check (amount between 1 and 9007199254740991);
alter table wallet.wallets
  drop constraint wallets_status_known,
  drop column floor,
  drop column max_balance,
  drop column has_holds,
  drop column has_limits,
  add constraint wallets_status_known check (status in ('active'));
