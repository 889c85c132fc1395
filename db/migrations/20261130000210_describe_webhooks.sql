-- migrate:up
set local role wallet_owner;

create type wallet.described_webhook as (
  id uuid,
  url text,
  description text,
  types text[],
  asset text,
  wallet_id uuid,
  batch_size integer,
  status text,
  pause_reason text,
  position bigint,
  behind bigint,
  backlog bigint,
  dead_letters bigint,
  oldest_at timestamptz,
  failures integer,
  last_success_at timestamptz,
  last_failure_at timestamptz,
  previous_until timestamptz,
  actor uuid,
  actor_username text,
  created_at timestamptz
);

revoke all on type wallet.described_webhook from public;
comment on type wallet.described_webhook is 'A webhook as operators are shown it: without its secrets, and with how far it is.';

-- migrate:down
set local role wallet_owner;

-- with the functions that return it
drop type wallet.described_webhook cascade;
