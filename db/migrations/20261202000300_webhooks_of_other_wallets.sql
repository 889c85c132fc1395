-- migrate:up
set local role wallet_owner;

-- A webhook is in all databases of a cluster, its wallet in one of them.
alter table wallet.webhooks drop constraint webhooks_wallet_fkey;

-- migrate:down
set local role wallet_owner;

delete from wallet.webhooks h
where h.wallet_id is not null and not exists (select from wallet.wallets w where w.id = h.wallet_id);
alter table wallet.webhooks
  add constraint webhooks_wallet_fkey foreign key (wallet_id) references wallet.wallets (id);
