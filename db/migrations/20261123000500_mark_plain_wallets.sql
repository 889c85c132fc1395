-- migrate:up
set local role wallet_owner;

alter table wallet.wallets add column is_plain boolean not null generated always as (
  kind = 'user' and status = 'active' and floor = 0 and max_balance is null and not has_holds and not has_limits
) stored;

comment on column wallet.wallets.is_plain is
  'Nothing about the wallet can refuse a top-up or spend but its balance: such requests take the short way.';

-- migrate:down
set local role wallet_owner;

alter table wallet.wallets drop column is_plain;
