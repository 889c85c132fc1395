-- migrate:up transaction:false
-- What else may go when it is old: without looks, and without what the books rest on.
create index concurrently if not exists operator_actions_old_idx on wallet.operator_actions (id) where action not in ('read', 'status', 'limits', 'topup', 'refund', 'adjustment', 'confirm', 'erase');

-- migrate:down transaction:false
drop index concurrently if exists wallet.operator_actions_old_idx;
