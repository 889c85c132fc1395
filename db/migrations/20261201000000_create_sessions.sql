-- migrate:up
set local role wallet_owner;

create table wallet.sessions (
  session_hash bytea not null,
  user_id uuid not null,
  token_generation integer not null,
  started_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  constraint sessions_pkey primary key (session_hash),
  constraint sessions_user_fkey foreign key (user_id) references wallet.users (id),
  constraint sessions_hash_length check (length(session_hash) = 32)
);

create index sessions_user_idx on wallet.sessions (user_id, expires_at);
create index sessions_expires_at_idx on wallet.sessions (expires_at);

comment on table wallet.sessions is 'Sign-ins of the pages, until they end or expire.';
comment on column wallet.sessions.session_hash is 'SHA-256 of the session''s random id, which only the browser has.';
comment on column wallet.sessions.token_generation is
  'That of the user''s tokens when it began: it is valid as long as they are.';

-- migrate:down
set local role wallet_owner;

drop table wallet.sessions;
