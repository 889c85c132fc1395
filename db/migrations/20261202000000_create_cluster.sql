-- migrate:up
set local role wallet_owner;

create table wallet.shard (
  single boolean not null default true,
  number smallint not null default 0,
  constraint shard_pkey primary key (single),
  constraint shard_one_row check (single),
  constraint shard_number_range check (number between 0 and 4095)
);

insert into wallet.shard default values;

comment on table wallet.shard is 'One row: which database of a cluster this is. 0 where there is one database.';

create table wallet.homes (
  generation integer not null,
  numbers smallint[] not null,
  constraint homes_pkey primary key (generation),
  constraint homes_generation_range check (generation >= 1),
  constraint homes_numbers_range check (cardinality(numbers) between 1 and 4096 and 0 <= all (numbers) and 4095 >= all (numbers))
);

insert into wallet.homes (generation, numbers) values (1, '{0}');

comment on table wallet.homes is
  'The databases among which names are spread, by generation; the newest one is where new names go. The same in every database of a cluster.';

create table wallet.outbox (
  transaction_id bigint not null,
  wallet_id uuid not null,
  to_wallet_id uuid not null,
  destination smallint not null,
  status text not null default 'pending',
  code text,
  returned_id bigint,
  erasure text,
  created_at timestamptz not null default clock_timestamp(),
  concluded_at timestamptz,
  constraint outbox_pkey primary key (transaction_id),
  constraint outbox_returned_key unique (returned_id),
  constraint outbox_transaction_fkey foreign key (transaction_id) references wallet.transactions (id),
  constraint outbox_status_known check (status in ('pending', 'delivered', 'returned')),
  constraint outbox_erasure_known check (erasure in ('due', 'done')),
  constraint outbox_concluded check ((status = 'pending') = (concluded_at is null)),
  constraint outbox_returned check ((status = 'returned') = (returned_id is not null) and (status = 'returned') = (code is not null))
);

create index outbox_pending_idx on wallet.outbox (destination, to_wallet_id, transaction_id) where status = 'pending';
create index outbox_wallet_pending_idx on wallet.outbox (wallet_id) where status = 'pending';
create index outbox_erasure_idx on wallet.outbox (destination, transaction_id) where erasure = 'due';

comment on table wallet.outbox is
  'Transfers to wallets of other databases: debited here, with their other entry in the system wallet transfer. The relay carries them.';
comment on column wallet.outbox.status is 'pending until the recipient''s database has decided: delivered, or returned to the sender.';
comment on column wallet.outbox.code is 'Of a returned one: why the recipient''s wallet refused it (SQLSTATE).';
comment on column wallet.outbox.returned_id is 'The transaction that gave the sender the money back.';
comment on column wallet.outbox.erasure is 'due: the details were erased here, and the recipient''s database is to be told; done: it has erased its copy.';

create table wallet.inbox (
  origin_id bigint not null,
  from_wallet_id uuid not null,
  to_wallet_id uuid not null,
  amount bigint not null,
  asset text not null,
  code text,
  transaction_id bigint,
  is_erased boolean not null default false,
  decided_at timestamptz not null default clock_timestamp(),
  constraint inbox_pkey primary key (origin_id),
  constraint inbox_transaction_fkey foreign key (transaction_id) references wallet.transactions (id),
  constraint inbox_transaction_key unique (transaction_id),
  constraint inbox_decided check (num_nonnulls(code, transaction_id) = 1)
);

comment on table wallet.inbox is
  'What this database has decided about transfers from other databases, once for each: credited (transaction_id) or refused (code).';
comment on column wallet.inbox.origin_id is 'The sender''s transaction: its number names its database.';

-- of assets that exist; wallet_create_asset() makes those of new ones
insert into wallet.wallets (id, asset, kind, purpose)
select md5('system wallet ' || p.purpose || ' ' || a.code)::uuid, a.code, 'system', p.purpose
from wallet.assets a
cross join unnest(array['transfer', 'received', 'returned']) as p (purpose)
on conflict on constraint wallets_asset_purpose_key do nothing;

revoke all on wallet.shard, wallet.homes, wallet.outbox, wallet.inbox from public;

-- migrate:down
set local role wallet_owner;

lock table wallet.transactions in access exclusive mode;

do $$
begin
  -- what is in transit would be lost, and what another database sends again would be credited again
  if exists (select from wallet.outbox) or exists (select from wallet.inbox) or (select s.number from wallet.shard s) <> 0 then
    raise exception 'this database is one of a cluster';
  end if;
end;
$$;

-- with the functions that take or return their rows
drop table wallet.inbox, wallet.outbox, wallet.homes, wallet.shard cascade;
