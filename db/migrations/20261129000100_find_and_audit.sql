-- migrate:up
set local role wallet_owner;

do $$
begin
  if not (select i.indisvalid from pg_index i where i.indexrelid = 'wallet.transaction_details_reference_idx'::regclass) then
    raise exception 'the index wallet.transaction_details_reference_idx is not valid'
      using hint = 'Its migration was interrupted: create it again by "reindex index concurrently", then migrate again.';
  end if;
end;
$$;

-- At once and in the order of requests, so that none that has read the first waits for the second, and we for it.
lock table wallet.users, wallet.transactions, wallet.holds, wallet.hold_events, wallet.operator_actions
  in access exclusive mode;

-- With txn_id first, one index serves both: the request that is sent again, and the operator who has no wallet.
alter table wallet.transactions
  drop constraint transactions_wallet_txn_key,
  add constraint transactions_txn_wallet_key unique using index transactions_txn_wallet_key;
alter table wallet.holds
  drop constraint holds_wallet_txn_key,
  add constraint holds_txn_wallet_key unique (txn_id, wallet_id);
alter table wallet.hold_events
  drop constraint hold_events_wallet_txn_key,
  add constraint hold_events_txn_wallet_key unique (txn_id, wallet_id);

create index holds_reference_idx on wallet.holds using hash (reference) where reference is not null;

alter table wallet.users add column last_sign_in_at timestamptz;

comment on column wallet.users.last_sign_in_at is 'Of the last sign-in, to a minute; null: none since the account was opened.';

-- Status has its reason, and what was before, in detail, as ever.
alter table wallet.operator_actions
  alter column wallet_id drop not null,
  alter column detail set default '{}',
  add column user_id uuid,
  add column reason text,
  add column before jsonb,
  add constraint operator_actions_user_fkey foreign key (user_id) references wallet.users (id),
  add constraint operator_actions_subject_given check (num_nonnulls(wallet_id, user_id) > 0);
create index operator_actions_user_idx on wallet.operator_actions (user_id, id) where user_id is not null;
insert into wallet.operator_actions (user_id, actor, action, reason, detail, created_at)
select e.user_id, e.actor, 'erase', e.reason, jsonb_build_object('transactions', e.transactions, 'holds', e.holds), e.created_at
from wallet.erasures e
order by e.id;

comment on table wallet.operator_actions is
  'What operators did to users and wallets, and whom they looked at, append-only. A null actor is the database''s administrator.';
comment on column wallet.operator_actions.before is 'What was so before; detail: what is since then.';

-- migrate:down
set local role wallet_owner;

alter table wallet.operator_actions disable trigger user;
delete from wallet.operator_actions where wallet_id is null;
alter table wallet.operator_actions enable trigger user;
drop index wallet.operator_actions_user_idx;
alter table wallet.operator_actions
  drop constraint operator_actions_subject_given,
  drop constraint operator_actions_user_fkey,
  drop column user_id,
  drop column reason,
  drop column before,
  alter column detail drop default,
  alter column wallet_id set not null;
comment on table wallet.operator_actions is 'What operators changed, append-only: status, limits, adjustments. A null actor is the database''s administrator.';

alter table wallet.users drop column last_sign_in_at;
drop index wallet.holds_reference_idx;

alter table wallet.hold_events
  drop constraint hold_events_txn_wallet_key,
  add constraint hold_events_wallet_txn_key unique (wallet_id, txn_id);
alter table wallet.holds
  drop constraint holds_txn_wallet_key,
  add constraint holds_wallet_txn_key unique (wallet_id, txn_id);
alter table wallet.transactions
  drop constraint transactions_txn_wallet_key,
  add constraint transactions_wallet_txn_key unique (wallet_id, txn_id);
create unique index transactions_txn_wallet_key on wallet.transactions (txn_id, wallet_id);
