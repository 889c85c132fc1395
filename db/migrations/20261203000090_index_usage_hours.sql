-- migrate:up transaction:false
-- While it is built, wallets with limits go on: what counted against them, oldest first.
create index concurrently if not exists limit_usage_hour_idx on wallet.limit_usage (hour);

-- migrate:down transaction:false
drop index concurrently if exists wallet.limit_usage_hour_idx;
