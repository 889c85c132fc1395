-- migrate:up
set local role wallet_owner;

create table wallet.sign_in_tries (
  key bytea not null,
  kind text not null,
  failures integer not null,
  counts_until timestamptz not null,
  next_try_at timestamptz not null,
  known_until timestamptz not null default '-infinity',
  constraint sign_in_tries_pkey primary key (key),
  constraint sign_in_tries_kind_known check (kind in ('pair', 'account', 'address')),
  constraint sign_in_tries_failures_range check (failures >= 0)
);

comment on table wallet.sign_in_tries is 'Failed sign-ins that count, and from where a user signed in of late.';
comment on column wallet.sign_in_tries.key is
  'Hash of the username, the address or both: what people type as a username may be a password.';
comment on column wallet.sign_in_tries.known_until is 'Pairs only: until when the user is known to sign in from the address.';

create index sign_in_tries_end_idx on wallet.sign_in_tries (greatest(counts_until, known_until));

-- migrate:down
drop table wallet.sign_in_tries;
