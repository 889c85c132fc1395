-- migrate:up
set local role wallet_owner;

create index users_hash_cost_idx on wallet.users ((substring(password_hash from 5 for 2)))
where password_hash ~ '^\$2[aby]\$[0-9]{2}\$';

-- migrate:down
set local role wallet_owner;

drop index wallet.users_hash_cost_idx;
