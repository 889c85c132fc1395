-- migrate:up
set local role wallet_owner;

-- In the order of requests: see find_and_audit.
lock table wallet.users, wallet.wallets, wallet.operator_actions in access exclusive mode;

-- Looks are noted here too. The check of a foreign key locks the row it leads to: an operator would wait for whoever
-- holds a wallet, and its owner for the operator. Wallets are never deleted, and their owners by that neither.
alter table wallet.operator_actions
  drop constraint operator_actions_wallet_fkey,
  drop constraint operator_actions_user_fkey;

-- What was changed is found without reading the looks.
create index operator_actions_status_idx on wallet.operator_actions (wallet_id, id) where action = 'status';
create index operator_actions_transaction_idx on wallet.operator_actions ((detail ->> 'transaction_id'))
  where detail ->> 'transaction_id' is not null;

-- migrate:down
set local role wallet_owner;

drop index wallet.operator_actions_transaction_idx, wallet.operator_actions_status_idx;
alter table wallet.operator_actions
  add constraint operator_actions_wallet_fkey foreign key (wallet_id) references wallet.wallets (id),
  add constraint operator_actions_user_fkey foreign key (user_id) references wallet.users (id);
