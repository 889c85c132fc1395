-- migrate:up
set local role wallet_owner;

create table wallet.verifications (
  id bigint generated always as identity,
  ended_at timestamptz not null default clock_timestamp(),
  seconds double precision not null,
  violations bigint not null,
  constraint verifications_pkey primary key (id),
  constraint verifications_counts check (seconds >= 0 and violations >= 0)
);
comment on table wallet.verifications is 'Each run of a verification, and what it found: metrics show the last one.';

-- migrate:down
set local role wallet_owner;

drop table wallet.verifications;
