-- migrate:up
set local role wallet_owner;

do $$
begin
  if not (select i.indisvalid from pg_index i where i.indexrelid = 'wallet.hold_events_wallet_idx'::regclass) then
    raise exception 'the index wallet.hold_events_wallet_idx is not valid'
      using hint = 'Its migration was interrupted: create it again by "reindex index concurrently", then migrate again.';
  end if;
end;
$$;

-- What foreign keys lead to, in the order of requests: see find_and_audit.
lock table wallet.users, wallet.wallets in share row exclusive mode;

create table wallet.account_events (
  id bigint not null default nextval('wallet.transaction_ids'),
  type text not null,
  user_id uuid not null,
  wallet_id uuid,
  data jsonb not null default '{}',
  created_at timestamptz not null default clock_timestamp(),
  constraint account_events_pkey primary key (id),
  constraint account_events_user_fkey foreign key (user_id) references wallet.users (id),
  constraint account_events_wallet_fkey foreign key (wallet_id) references wallet.wallets (id),
  constraint account_events_type_known check (
    type in ('user.signed_up', 'user.role_changed', 'user.erased')
    or type in ('wallet.opened', 'wallet.status_changed', 'wallet.limits_changed') and wallet_id is not null
  )
);

create index account_events_wallet_idx on wallet.account_events (wallet_id, id) where wallet_id is not null;
create index account_events_user_idx on wallet.account_events (user_id, id);

comment on table wallet.account_events is
  'What happened to users and wallets, append-only: the events that are neither transactions nor of holds.';
comment on column wallet.account_events.id is
  'Of wallet.transaction_ids, drawn by a transaction that has an xid already: one order with all other events.';
comment on column wallet.account_events.data is 'What is so since then. It names nobody: it outlives an erasure.';

create table wallet.event_epochs (
  id integer not null,
  token integer not null,
  system_id text not null,
  timeline text not null,
  known_id bigint not null,
  marked_id bigint not null,
  marked_fence xid8,
  marked_at timestamptz not null default clock_timestamp(),
  started_at timestamptz not null default clock_timestamp(),
  constraint event_epochs_pkey primary key (id),
  constraint event_epochs_token_key unique (token)
);

comment on table wallet.event_epochs is
  'Lines of history of this database: a restore, a failover or a copy begins a new one, and ids jump ahead. wallet_event_mark() keeps it.';
comment on column wallet.event_epochs.token is 'Random: what cursors carry, so that two restores of one backup do not share it.';
comment on column wallet.event_epochs.known_id is
  'Every event up to this id was final in this line of history. A cursor of an earlier epoch is good up to the known_id before it.';
comment on column wallet.event_epochs.marked_id is 'Becomes known_id when marked_fence has passed.';

alter table wallet.installation add column source_id uuid not null default gen_random_uuid();

comment on column wallet.installation.source_id is 'No secret: the source of this database''s events.';

create table wallet.webhooks (
  id uuid not null,
  url text not null,
  description text,
  types text[],
  asset text,
  wallet_id uuid,
  batch_size integer not null default 1,
  status text not null default 'active',
  pause_reason text,
  secret bytea,
  previous_secret bytea,
  previous_until timestamptz,
  position bigint not null,
  version bigint not null default 1,
  failures integer not null default 0,
  last_success_at timestamptz,
  last_failure_at timestamptz,
  actor uuid,
  created_at timestamptz not null default clock_timestamp(),
  constraint webhooks_pkey primary key (id),
  constraint webhooks_asset_fkey foreign key (asset) references wallet.assets (code),
  constraint webhooks_wallet_fkey foreign key (wallet_id) references wallet.wallets (id),
  constraint webhooks_status_known check (status in ('active', 'paused')),
  constraint webhooks_batch_size_range check (batch_size between 1 and 100),
  constraint webhooks_position_range check (position >= 0)
);

comment on table wallet.webhooks is 'Who is told of events by HTTP. The relay delivers; operators make and change them.';
comment on column wallet.webhooks.types is 'Names of events, without pgwallet. before them; null: all.';
comment on column wallet.webhooks.secret is
  'Signs deliveries; encrypted under PGWALLET_WEBHOOK_KEY, which is not in the database. Null until the relay has made one.';
comment on column wallet.webhooks.previous_secret is 'Signs too, until previous_until, while the receiver changes over.';
comment on column wallet.webhooks.position is
  'Every event up to this id is delivered, in wallet.webhook_backlog or in wallet.webhook_dead_letters.';
comment on column wallet.webhooks.version is 'Rises with every change by an operator, and with every new relay: progress under an older one is refused.';
comment on column wallet.webhooks.failures is 'Attempts that failed since the last one that did not.';

create table wallet.webhook_backlog (
  webhook_id uuid not null,
  event_id bigint not null,
  attempts integer not null default 0,
  first_at timestamptz,
  next_at timestamptz,
  status integer,
  error text,
  constraint webhook_backlog_pkey primary key (webhook_id, event_id),
  constraint webhook_backlog_webhook_fkey foreign key (webhook_id) references wallet.webhooks (id) on delete cascade
);

comment on table wallet.webhook_backlog is
  'Events up to a webhook''s position that are not delivered: an attempt failed (attempts > 0), or an earlier event of the same wallet waits.';

create table wallet.webhook_dead_letters (
  webhook_id uuid not null,
  event_id bigint not null,
  attempts integer not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  status integer,
  error text,
  constraint webhook_dead_letters_pkey primary key (webhook_id, event_id),
  constraint webhook_dead_letters_webhook_fkey foreign key (webhook_id) references wallet.webhooks (id) on delete cascade
);

comment on table wallet.webhook_dead_letters is 'Events that were given up. Ids alone: what is sent is read from the ledger when it is sent.';

create table wallet.webhook_deliveries (
  id bigint generated always as identity,
  webhook_id uuid not null,
  first_event_id bigint not null,
  last_event_id bigint not null,
  events integer not null,
  attempt integer not null,
  outcome text not null,
  status integer,
  error text,
  milliseconds integer not null,
  answer text,
  created_at timestamptz not null default clock_timestamp(),
  constraint webhook_deliveries_pkey primary key (id),
  constraint webhook_deliveries_webhook_fkey foreign key (webhook_id) references wallet.webhooks (id) on delete cascade,
  constraint webhook_deliveries_outcome_known check (outcome in ('delivered', 'failed'))
);

create index webhook_deliveries_webhook_idx on wallet.webhook_deliveries (webhook_id, id);
create index webhook_deliveries_created_at_idx on wallet.webhook_deliveries (created_at);

comment on table wallet.webhook_deliveries is 'The newest attempts, one row each; the relay prunes it.';
comment on column wallet.webhook_deliveries.status is 'Of the HTTP answer; null without one, and then error says why.';
comment on column wallet.webhook_deliveries.answer is 'The first 1,024 bytes of it.';

-- Who changed a webhook is on record, too.
alter table wallet.operator_actions
  add column webhook_id uuid,
  drop constraint operator_actions_subject_given,
  add constraint operator_actions_subject_given check (num_nonnulls(wallet_id, user_id, webhook_id) > 0);

comment on column wallet.operator_actions.webhook_id is 'The webhook that was changed, which may be deleted since.';

revoke all on all tables in schema wallet from public;

-- migrate:down
set local role wallet_owner;

alter table wallet.operator_actions disable trigger user;
delete from wallet.operator_actions a where num_nonnulls(a.wallet_id, a.user_id) = 0;
alter table wallet.operator_actions enable trigger user;
alter table wallet.operator_actions
  drop constraint operator_actions_subject_given,
  drop column webhook_id,
  add constraint operator_actions_subject_given check (num_nonnulls(wallet_id, user_id) > 0);
-- with the functions that take or return their rows
drop table wallet.webhook_deliveries, wallet.webhook_dead_letters, wallet.webhook_backlog, wallet.webhooks cascade;
drop table wallet.event_epochs, wallet.account_events cascade;
alter table wallet.installation drop column source_id;
