-- migrate:up transaction:false
-- While it is built, money moves on; the next migration makes it the unique key.
create unique index concurrently if not exists transactions_txn_wallet_key on wallet.transactions (txn_id, wallet_id);

-- migrate:down
set local role wallet_owner;

drop index if exists wallet.transactions_txn_wallet_key;
