-- migrate:up
set local role wallet_owner;

alter table wallet.users add column erased_at timestamptz;

comment on column wallet.users.erased_at is 'When the person behind it was erased: nobody can sign in any more.';

create table wallet.erasures (
  user_id uuid not null,
  actor uuid,
  reason text not null,
  transactions bigint not null,
  holds bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  constraint erasures_pkey primary key (user_id),
  constraint erasures_user_fkey foreign key (user_id) references wallet.users (id)
);

comment on table wallet.erasures is
  'Which users were erased, by whom and why, append-only; and of how many transactions and holds the details. A null actor is the database''s administrator.';

-- migrate:down
drop table wallet.erasures;
alter table wallet.users drop column erased_at;
