-- migrate:up
set local role wallet_owner;

-- What foreign keys lead to, in the order of requests: see find_and_audit.
lock table wallet.users in share row exclusive mode;
lock table wallet.operator_actions in access exclusive mode;

create table wallet.verification_runs (
  id bigint generated always as identity,
  actor uuid,
  holder integer not null,
  started_at timestamptz not null default clock_timestamp(),
  noted_at timestamptz not null default clock_timestamp(),
  rule text,
  rules_done integer not null default 0,
  rules integer,
  part double precision,
  error text,
  verification_id bigint,
  warnings bigint not null default 0,
  findings jsonb not null default '[]',
  constraint verification_runs_pkey primary key (id),
  constraint verification_runs_actor_fkey foreign key (actor) references wallet.users (id),
  constraint verification_runs_verification_fkey foreign key (verification_id) references wallet.verifications (id),
  constraint verification_runs_verification_key unique (verification_id),
  constraint verification_runs_progress_range
    check (rules_done >= 0 and rules_done <= rules and part between 0 and 1 and warnings >= 0)
);

comment on table wallet.verification_runs is
  'Verifications that operators started. One runs at a time: the newest, while its holder has the advisory lock.';
comment on column wallet.verification_runs.holder is 'The backend that runs it: wallet.verification_holder() while it does.';
comment on column wallet.verification_runs.part is 'How much of the rule that is judged now; null where that is not known.';
comment on column wallet.verification_runs.error is 'Why it ended without a result, where that is known.';
comment on column wallet.verification_runs.verification_id is 'The result; null: there is none, or none yet.';
comment on column wallet.verification_runs.findings is 'The first 100, as wallet_verify() returns them.';

-- A verification is about no user, wallet or webhook.
alter table wallet.operator_actions
  drop constraint operator_actions_subject_given,
  add constraint operator_actions_subject_given
    check (num_nonnulls(wallet_id, user_id, webhook_id) > 0 or action = 'verify');

revoke all on wallet.verification_runs from public;

-- migrate:down
set local role wallet_owner;

alter table wallet.operator_actions disable trigger user;
delete from wallet.operator_actions a where num_nonnulls(a.wallet_id, a.user_id, a.webhook_id) = 0;
alter table wallet.operator_actions enable trigger user;
alter table wallet.operator_actions
  drop constraint operator_actions_subject_given,
  add constraint operator_actions_subject_given check (num_nonnulls(wallet_id, user_id, webhook_id) > 0);
-- with the functions that take or return its rows
drop table wallet.verification_runs cascade;
