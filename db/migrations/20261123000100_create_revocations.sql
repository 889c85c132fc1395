-- migrate:up
set local role wallet_owner;

alter table wallet.users add column token_generation integer not null default 0;

comment on column wallet.users.token_generation is
  'Only tokens of this generation are valid: one more, and the user is signed out everywhere.';

create table wallet.revocations (
  id bigint generated always as identity,
  user_id uuid not null,
  token_id uuid,
  transaction xid8 not null default pg_current_xact_id(),
  expires_at timestamptz not null,
  constraint revocations_pkey primary key (id),
  constraint revocations_user_fkey foreign key (user_id) references wallet.users (id),
  constraint revocations_token_key unique (token_id)
);

comment on table wallet.revocations is 'Sign-outs, until the tokens that they ended would have expired.';
comment on column wallet.revocations.token_id is 'Null: all tokens of the user, by their generation.';
comment on column wallet.revocations.transaction is
  'What committed since a snapshot is found by it: an id can be taken long before its row is visible.';

create index revocations_transaction_idx on wallet.revocations (transaction);
create index revocations_expires_at_idx on wallet.revocations (expires_at);

-- migrate:down
drop table wallet.revocations;
alter table wallet.users drop column token_generation;
