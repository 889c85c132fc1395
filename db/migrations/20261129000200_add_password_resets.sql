-- migrate:up
set local role wallet_owner;

create table wallet.password_resets (
  user_id uuid not null,
  token_hash bytea not null,
  actor uuid,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  constraint password_resets_pkey primary key (user_id),
  constraint password_resets_user_fkey foreign key (user_id) references wallet.users (id),
  constraint password_resets_token_key unique (token_hash),
  constraint password_resets_token_length check (length(token_hash) = 32)
);

create index password_resets_expires_at_idx on wallet.password_resets (expires_at);

comment on table wallet.password_resets is
  'One-time tokens that operators made for users who forgot the password: at most one for each user, gone when it is used.';
comment on column wallet.password_resets.token_hash is 'SHA-256 of the token, which only its holder has.';
comment on column wallet.password_resets.actor is 'The operator who made it; null is the database''s administrator.';

-- migrate:down
set local role wallet_owner;

drop table wallet.password_resets;
