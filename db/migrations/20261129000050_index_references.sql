-- migrate:up transaction:false
-- While it is built, money moves on, as with the key before. A hash of any reference is as short as the next one's;
-- rows without a reference cost nothing.
create index concurrently if not exists transaction_details_reference_idx on wallet.transaction_details using hash (reference) where reference is not null;

-- migrate:down
set local role wallet_owner;

drop index if exists wallet.transaction_details_reference_idx;
