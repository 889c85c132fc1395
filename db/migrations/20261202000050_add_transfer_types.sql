-- migrate:up
set local role wallet_owner;

-- Without values of their own a transaction could use: that must be a later migration's.
alter type wallet.transaction_type add value if not exists 'received';
alter type wallet.transaction_type add value if not exists 'returned';

-- migrate:down
-- A value of an enumeration cannot be dropped; unused it does no harm.
select;
