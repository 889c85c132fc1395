-- migrate:up
set local role wallet_owner;

-- wallet.new_id() makes them. In databases of before the default is a function that PostgreSQL 16 has not.
alter table wallet.users alter column id drop default;

-- migrate:down
set local role wallet_owner;

alter table wallet.users alter column id set default gen_random_uuid();
