-- migrate:up
set local role wallet_owner;

alter type wallet.described_confirmation
  add attribute username text,
  add attribute actor_username text;

-- migrate:down
set local role wallet_owner;

-- the functions of before return the type without them
alter type wallet.described_confirmation
  drop attribute actor_username,
  drop attribute username;
