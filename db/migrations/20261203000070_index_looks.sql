-- migrate:up transaction:false
-- While it is built, operators go on: whom they looked at, oldest first.
create index concurrently if not exists operator_actions_looks_idx on wallet.operator_actions (id) where action = 'read';

-- migrate:down transaction:false
drop index concurrently if exists wallet.operator_actions_looks_idx;
