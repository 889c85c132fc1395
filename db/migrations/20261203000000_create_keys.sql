-- migrate:up
set local role wallet_owner;

-- At once and in the order of requests: see find_and_audit.
lock table wallet.users, wallet.revocations, wallet.operator_actions in access exclusive mode;

create table wallet.api_keys (
  id uuid not null,
  name text not null,
  prefix text not null,
  secret_hash bytea not null,
  scopes text[] not null,
  all_users boolean not null default false,
  networks cidr[],
  calls_per_minute integer,
  expires_at timestamptz,
  actor uuid,
  created_at timestamptz not null default clock_timestamp(),
  revoked_at timestamptz,
  last_used_at timestamptz,
  constraint api_keys_pkey primary key (id),
  constraint api_keys_secret_key unique (secret_hash),
  constraint api_keys_name_length check (length(name) between 1 and 64),
  constraint api_keys_prefix_form check (prefix ~ '^pgw_[A-Za-z0-9_-]{8}$'),
  constraint api_keys_secret_length check (length(secret_hash) = 32),
  constraint api_keys_scopes_known check (
    cardinality(scopes) > 0 and scopes <@ array['hold', 'read', 'refund', 'spend', 'topup', 'transfer']
  ),
  constraint api_keys_networks_given check (cardinality(networks) > 0),
  constraint api_keys_calls_range check (calls_per_minute >= 1)
);

create index api_keys_newest_idx on wallet.api_keys (created_at, id);
create index api_keys_usable_idx on wallet.api_keys (created_at, id) where revoked_at is null;

comment on table wallet.api_keys is
  'Credentials of machines. What a key may do never changes: it is used, or revoked. A row stays, because wallet.key_uses leads to it.';
comment on column wallet.api_keys.name is 'What operators call it. It stays on record, so it should not name a person.';
comment on column wallet.api_keys.prefix is 'The first 12 characters of the secret, by which people tell keys apart.';
comment on column wallet.api_keys.secret_hash is 'SHA-256 of the secret, which only its holder has.';
comment on column wallet.api_keys.all_users is 'Whether it may act for every user; otherwise for those of wallet.key_subjects. Never for operators or the erased.';
comment on column wallet.api_keys.networks is 'Where it may be used from; null: from anywhere. The service judges, which knows the address.';
comment on column wallet.api_keys.calls_per_minute is 'For the service; null: as its settings say.';
comment on column wallet.api_keys.actor is 'The operator who made it; null: an administrator.';
comment on column wallet.api_keys.last_used_at is 'To about a minute, as the service notes it; null: never.';

create table wallet.key_subjects (
  key_id uuid not null,
  user_id uuid not null,
  constraint key_subjects_pkey primary key (key_id, user_id),
  constraint key_subjects_key_fkey foreign key (key_id) references wallet.api_keys (id)
);

create index key_subjects_user_idx on wallet.key_subjects (user_id);

comment on table wallet.key_subjects is
  'For which users a key may act, append-only; users of other databases among them. An erased user''s rows stay, and give nothing: it is judged at each use.';

-- No foreign keys: a check would lock the key's row, which all that it does would share. wallet_verify() checks.
create table wallet.key_uses (
  id bigint not null,
  key_id uuid not null,
  constraint key_uses_pkey primary key (id)
);

comment on table wallet.key_uses is 'Which key made a transaction or a hold''s event, append-only. Nobody''s key made what has no row.';
comment on column wallet.key_uses.id is 'That of the transaction or hold event: they share one order.';

alter type wallet.request add attribute key_id uuid;

create type wallet.described_key as (
  id uuid,
  name text,
  prefix text,
  scopes text[],
  all_users boolean,
  user_ids uuid[],
  networks text[],
  calls_per_minute integer,
  expires_at timestamptz,
  created_at timestamptz,
  created_by uuid,
  revoked_at timestamptz,
  last_used_at timestamptz
);

revoke all on type wallet.described_key from public;
comment on type wallet.described_key is 'A key as operators are shown it, without its secret.';

-- What revokes a key travels as what ends a user's tokens does.
alter table wallet.revocations drop constraint revocations_user_fkey;

comment on table wallet.revocations is 'Sign-outs, until the tokens that they ended would have expired; and keys that were revoked, for a day.';
comment on column wallet.revocations.user_id is 'The user, or the key.';

alter table wallet.operator_actions
  add column key_id uuid,
  drop constraint operator_actions_subject_given,
  add constraint operator_actions_subject_given
    check (num_nonnulls(wallet_id, user_id, webhook_id, key_id) > 0 or action = 'verify');

comment on column wallet.operator_actions.key_id is 'The key that was made or revoked.';

revoke all on wallet.api_keys, wallet.key_subjects, wallet.key_uses from public;

-- migrate:down
set local role wallet_owner;

lock table wallet.users, wallet.revocations, wallet.operator_actions in access exclusive mode;

do $$
begin
  -- which key did what would be lost, and a key's transactions would be its user's
  if exists (select from wallet.key_uses) then
    raise exception 'keys were used here'
      using hint = 'Keep wallet.key_uses elsewhere, and empty it with its trigger off, before this is taken back.';
  end if;
end;
$$;

alter table wallet.operator_actions disable trigger user;
delete from wallet.operator_actions a where num_nonnulls(a.wallet_id, a.user_id, a.webhook_id) = 0 and a.action <> 'verify';
alter table wallet.operator_actions enable trigger user;
alter table wallet.operator_actions
  drop constraint operator_actions_subject_given,
  drop column key_id,
  add constraint operator_actions_subject_given
    check (num_nonnulls(wallet_id, user_id, webhook_id) > 0 or action = 'verify');

delete from wallet.revocations r where not exists (select from wallet.users u where u.id = r.user_id);
alter table wallet.revocations
  add constraint revocations_user_fkey foreign key (user_id) references wallet.users (id);
comment on table wallet.revocations is 'Sign-outs, until the tokens that they ended would have expired.';
comment on column wallet.revocations.user_id is null;

-- with the functions that take or return them
drop type wallet.described_key cascade;
alter type wallet.request drop attribute key_id;
drop table wallet.key_uses, wallet.key_subjects, wallet.api_keys cascade;
