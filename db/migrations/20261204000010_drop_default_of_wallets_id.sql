-- migrate:up
set local role wallet_owner;

-- As those of users; by itself, because no migration should hold two of the tables that requests lock in any order.
alter table wallet.wallets alter column id drop default;

-- migrate:down
set local role wallet_owner;

alter table wallet.wallets alter column id set default gen_random_uuid();
