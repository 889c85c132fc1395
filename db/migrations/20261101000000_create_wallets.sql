-- migrate:up
set local role wallet_owner;

create schema wallet;

comment on schema wallet is 'Tables and internals of pgwallet. Call the functions wallet_… in schema public instead.';

create table wallet.assets (
  code text not null,
  name text not null,
  scale smallint not null,
  signup_bonus bigint not null default 0,
  constraint assets_pkey primary key (code),
  constraint assets_code_form check (code ~ '^[A-Z][A-Z0-9]{1,11}$'),
  constraint assets_name_given check (name <> ''),
  constraint assets_scale_range check (scale between 0 and 18),
  constraint assets_signup_bonus_range check (signup_bonus between 0 and 9007199254740991)
);

comment on table wallet.assets is 'What wallets hold. Amounts are counted in minor units: 10^-scale of the asset.';
comment on column wallet.assets.signup_bonus is 'Minor units that wallet_register() credits to a new wallet in this asset.';

create table wallet.users (
  id uuid not null default gen_random_uuid(),
  username text not null,
  password_hash text not null,
  role text not null default 'user',
  created_at timestamptz not null default clock_timestamp(),
  constraint users_pkey primary key (id),
  constraint users_username_key unique (username),
  constraint users_username_form check (username ~ '^[a-z0-9_.-]{3,64}$'),
  constraint users_role_known check (role in ('user', 'operator'))
);

comment on table wallet.users is 'Who can sign in. Usernames are stored folded to lower case.';

create table wallet.wallets (
  id uuid not null default gen_random_uuid(),
  owner_id uuid,
  asset text not null,
  kind text not null,
  purpose text,
  status text not null default 'active',
  created_at timestamptz not null default clock_timestamp(),
  constraint wallets_pkey primary key (id),
  constraint wallets_owner_fkey foreign key (owner_id) references wallet.users (id),
  constraint wallets_asset_fkey foreign key (asset) references wallet.assets (code),
  constraint wallets_owner_asset_key unique (owner_id, asset),
  constraint wallets_asset_purpose_key unique (asset, purpose),
  constraint wallets_kind_known check (
    (kind = 'user' and owner_id is not null and purpose is null)
    or (kind = 'system' and owner_id is null and purpose is not null)
  ),
  constraint wallets_status_known check (status in ('active'))
);

comment on table wallet.wallets is
  'One wallet per user and asset; per asset one system wallet for each purpose, the other side of every user transaction.';
comment on column wallet.wallets.purpose is 'System wallets only: the type of transaction whose counter-entries it collects.';

-- migrate:down
drop schema wallet cascade;
