-- migrate:up transaction:false
-- While it is built, holds go on: the events of one wallet's holds, in the order of all events.
create index concurrently if not exists hold_events_wallet_idx on wallet.hold_events (wallet_id, id);

-- migrate:down transaction:false
drop index concurrently if exists wallet.hold_events_wallet_idx;
