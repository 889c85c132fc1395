-- migrate:up
set local role wallet_owner;

-- An entry has a time of its own only where the clock was behind the wallet's newest entry: no row grows otherwise.
alter table wallet.ledger add column recorded_at timestamptz;

comment on column wallet.transactions.created_at is 'The clock, read under the wallet''s lock; a clock that is set back shows here.';
comment on column wallet.ledger.recorded_at is
  'User wallets: the time of the entry before, where the clock was behind it; null: the transaction''s created_at. So an entry''s time never falls as seq rises.';
comment on column wallet.ledger.hash is
  'User wallets: sha256 over the hash of the entry before and what is on record of this one, see wallet.entry_hash. System wallets: null.';

alter type wallet.opening add attribute newest_at timestamptz;
alter type wallet.opening add attribute is_erased boolean;

-- Whose owner was erased takes no free text in the clear, so it cannot go the short way.
alter table wallet.wallets
  add column is_erased boolean not null default false,
  drop column is_plain;
alter table wallet.wallets add column is_plain boolean not null generated always as (
  kind = 'user' and status = 'active' and floor = 0 and max_balance is null and not has_holds and not has_limits and not is_erased
) stored;
update wallet.wallets w set is_erased = true from wallet.users u where u.id = w.owner_id and u.erased_at is not null;

comment on column wallet.wallets.is_erased is 'Its owner was erased: details that still arrive are not stored in the clear.';
comment on column wallet.wallets.is_plain is
  'Nothing about the wallet can refuse a top-up or spend but its balance: such requests take the short way.';

-- A name is never given to somebody else. The pads are those of HMAC-SHA256 (RFC 2104) under a random key of 64 bytes.
create table wallet.installation (
  only_row boolean not null default true,
  name_key_inner bytea not null,
  name_key_outer bytea not null,
  hold_events_from bigint not null,
  constraint installation_pkey primary key (only_row),
  constraint installation_one_row check (only_row)
);

comment on table wallet.installation is 'What this database alone has, one row. Secret: leave it out of reports and publications.';
comment on column wallet.installation.name_key_inner is 'The key of wallet.name_digest(), padded for the inner hash; name_key_outer for the outer one.';
comment on column wallet.installation.hold_events_from is 'Transactions from this id on share one order with the events of holds.';

insert into wallet.installation (name_key_inner, name_key_outer, hold_events_from)
select decode(string_agg(lpad(to_hex(get_byte(k.key, i) # 54), 2, '0'), '' order by i), 'hex'),
  decode(string_agg(lpad(to_hex(get_byte(k.key, i) # 92), 2, '0'), '' order by i), 'hex'),
  (select coalesce(max(t.id), 0) + 1 from wallet.transactions t)
from (
  select uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
) as k (key)
cross join generate_series(0, 63) as i;

create table wallet.reserved_names (
  digest bytea not null,
  user_id uuid not null,
  created_at timestamptz not null default clock_timestamp(),
  constraint reserved_names_pkey primary key (digest),
  constraint reserved_names_user_fkey foreign key (user_id) references wallet.users (id)
);

create index reserved_names_user_idx on wallet.reserved_names (user_id);

comment on table wallet.reserved_names is
  'Names of erased users, as wallet.name_digest() has them, so that nobody else gets one. Pseudonymous data: leave it out of reports and publications.';

-- a second erasure finishes what a race with the first one left
alter table wallet.erasures
  drop constraint erasures_pkey,
  add column id bigint generated always as identity,
  add constraint erasures_pkey primary key (id);
create index erasures_user_idx on wallet.erasures (user_id);

create index operator_actions_wallet_idx on wallet.operator_actions (wallet_id, id);

-- Holds: what was judged is on record. The events get an order that they share with transactions, and a hash.
alter table wallet.holds
  drop constraint holds_status_known,
  add constraint holds_status_known check (status in ('open', 'captured', 'voided', 'expired'));
-- For the sweep alone, which says so by "amount > 0": a plan for one wallet's holds, made while there were none, must not take it.
create index holds_due_idx on wallet.holds (expires_at) where status = 'open' and amount > 0;
create index holds_status_idx on wallet.holds (wallet_id, status, id);
comment on column wallet.holds.status is
  'As its events say: open (until an event ends it; due by the clock it sets nothing aside any more); captured: closed by a capture; voided; expired.';

create table wallet.hold_events_before as table wallet.hold_events;
drop table wallet.hold_events;

create table wallet.hold_events (
  id bigint not null default nextval('wallet.transaction_ids'),
  hold_id bigint not null,
  wallet_id uuid not null,
  txn_id uuid,
  event text not null,
  amount bigint not null,
  final boolean not null default false,
  requested_amount bigint,
  transaction_id bigint,
  balance_after bigint,
  available_after bigint,
  created_at timestamptz not null,
  hash bytea
);

-- Negative ids: recorded before there was one order. An event of a hold that is due comes last.
insert into wallet.hold_events (
  id, hold_id, wallet_id, txn_id, event, amount, final, requested_amount, transaction_id, balance_after, available_after, created_at
)
select row_number() over (order by e.created_at, e.rank, e.transaction_id, e.hold_id) - count(*) over () - 1,
  e.hold_id, e.wallet_id, e.txn_id, e.event, e.amount, e.final, e.requested_amount, e.transaction_id, e.balance_after,
  e.available_after, e.created_at
from (
  select e.hold_id, e.wallet_id, e.txn_id, e.event, e.amount, e.final, e.requested_amount, e.transaction_id, e.balance_after,
    e.available_after, e.created_at, case e.event when 'hold' then 1 when 'capture' then 2 else 3 end as rank
  from wallet.hold_events_before e
  union all
  select h.id, h.wallet_id, null, 'expired', h.amount - h.captured, false, null, null, null, null, clock_timestamp(), 4
  from wallet.holds h
  where h.status = 'open' and h.expires_at <= clock_timestamp()
) e;

update wallet.holds h set status = 'expired'
from wallet.hold_events e
where e.hold_id = h.id and e.event = 'expired';

drop table wallet.hold_events_before;

alter table wallet.hold_events
  add constraint hold_events_pkey primary key (id),
  add constraint hold_events_wallet_txn_key unique (wallet_id, txn_id),
  add constraint hold_events_hold_fkey foreign key (hold_id) references wallet.holds (id),
  add constraint hold_events_event_known check (event in ('hold', 'capture', 'void', 'expired')),
  add constraint hold_events_transaction_given check ((event = 'capture') = (transaction_id is not null)),
  add constraint hold_events_request_given check (
    num_nulls(txn_id, balance_after, available_after) = case event when 'expired' then 3 else 0 end
  );
create index hold_events_hold_idx on wallet.hold_events (hold_id, id);
create index hold_events_transaction_idx on wallet.hold_events (transaction_id) where transaction_id is not null;

comment on table wallet.hold_events is
  'What happened to holds, append-only: the state of a hold follows from it. By the txn_id of the request that did it; expired by none.';
comment on column wallet.hold_events.id is
  'Of wallet.transaction_ids, drawn under the wallet''s lock: one order with its transactions. Negative: older than that order.';
comment on column wallet.hold_events.amount is 'Minor units set aside (hold), taken (capture) or released (void, expired).';
comment on column wallet.hold_events.requested_amount is 'Captures: the amount as the client sent it, null for all that is left.';
comment on column wallet.hold_events.balance_after is 'Null for expired, which no request asked for.';
comment on column wallet.hold_events.available_after is 'What was available in the wallet right after it: replays answer with it.';
comment on column wallet.hold_events.created_at is 'The clock, read under the wallet''s lock.';
comment on column wallet.hold_events.hash is
  'sha256 over the hash of the hold''s event before (for the first one: over what never changes of the hold) and this event, see wallet.hold_event_hash. A deploy hashes what is not yet.';

-- migrate:down
drop trigger if exists chained on wallet.hold_events;
drop trigger if exists append_only on wallet.hold_events;
delete from wallet.hold_events where event = 'expired';
alter table wallet.hold_events
  drop constraint hold_events_pkey,
  drop constraint hold_events_wallet_txn_key,
  drop constraint hold_events_event_known,
  drop constraint hold_events_request_given,
  alter column txn_id set not null,
  alter column balance_after set not null,
  alter column available_after set not null,
  add constraint hold_events_pkey primary key (wallet_id, txn_id),
  add constraint hold_events_event_known check (event in ('hold', 'capture', 'void'));
drop index wallet.hold_events_transaction_idx, wallet.hold_events_hold_idx;
alter table wallet.hold_events
  drop column id,
  drop column hash;
create index hold_events_hold_idx on wallet.hold_events (hold_id);
drop index wallet.holds_due_idx, wallet.holds_status_idx;
drop trigger if exists kept on wallet.holds;
drop trigger if exists ended_once on wallet.holds;
update wallet.holds set status = 'open' where status = 'expired';
alter table wallet.holds
  drop constraint holds_status_known,
  add constraint holds_status_known check (status in ('open', 'captured', 'voided'));
drop index wallet.operator_actions_wallet_idx, wallet.erasures_user_idx;
alter table wallet.erasures
  drop constraint erasures_pkey,
  drop column id,
  add constraint erasures_pkey primary key (user_id);
drop table wallet.reserved_names, wallet.installation;
drop trigger if exists identity_kept on wallet.wallets;
alter table wallet.wallets
  drop column is_plain,
  drop column is_erased;
alter table wallet.wallets add column is_plain boolean not null generated always as (
  kind = 'user' and status = 'active' and floor = 0 and max_balance is null and not has_holds and not has_limits
) stored;
alter type wallet.opening drop attribute is_erased;
alter type wallet.opening drop attribute newest_at;
alter table wallet.ledger drop column recorded_at;

comment on column wallet.transactions.created_at is 'Taken under the wallet''s lock: never falls as seq rises.';
comment on column wallet.wallets.is_plain is
  'Nothing about the wallet can refuse a top-up or spend but its balance: such requests take the short way.';
comment on column wallet.holds.status is 'open (until it expires, by the clock); captured: closed by a capture; voided.';
comment on table wallet.hold_events is 'What happened to holds, append-only, by the txn_id of the request that did it.';
comment on column wallet.hold_events.amount is 'Minor units set aside (hold), taken (capture) or released (void).';
comment on column wallet.hold_events.balance_after is null;
comment on column wallet.hold_events.created_at is null;
