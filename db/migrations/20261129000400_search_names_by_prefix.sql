-- migrate:up
set local role wallet_owner;

-- In the order of bytes, whatever the collation of the database is. An erased name is nobody's.
create index users_username_prefix_idx on wallet.users (username text_pattern_ops) where erased_at is null;

-- What one operator did; and what was done, without the looks, of which there are many.
create index operator_actions_actor_idx on wallet.operator_actions (actor, id) where actor is not null;
create index operator_actions_action_idx on wallet.operator_actions (action, id) where action <> 'read';

-- migrate:down
set local role wallet_owner;

drop index wallet.operator_actions_action_idx, wallet.operator_actions_actor_idx, wallet.users_username_prefix_idx;
