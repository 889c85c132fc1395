-- migrate:up
set local role wallet_owner;

do $$
declare
  v_name text;
begin
  select i.indexrelid::regclass into v_name
  from pg_index i
  where not i.indisvalid and i.indexrelid in (
    'wallet.operator_actions_looks_idx'::regclass, 'wallet.operator_actions_old_idx'::regclass,
    'wallet.limit_usage_hour_idx'::regclass
  )
  limit 1;
  if found then
    raise exception 'the index % is not valid', v_name
      using hint = 'Its migration was interrupted: create it again by "reindex index concurrently", then migrate again.';
  end if;
end;
$$;

create table wallet.retention (
  subject text not null,
  keep_days integer,
  constraint retention_pkey primary key (subject),
  constraint retention_subject_known check (subject in ('audit', 'looks', 'key_uses', 'verifications', 'dead_letters')),
  constraint retention_keep_days_range check (keep_days between 1 and 36500)
);

comment on table wallet.retention is 'For how long what is no part of the ledger is kept; wallet_prune() removes it after that.';
comment on column wallet.retention.subject is 'audit: what operators did; looks: whom they looked at.';
comment on column wallet.retention.keep_days is 'Days of 24 hours; null: for ever.';

insert into wallet.retention (subject, keep_days) values
  ('audit', null), ('looks', null), ('key_uses', null), ('verifications', 400), ('dead_letters', 400);

revoke all on wallet.retention from public;

-- In the order of requests.
create index webhook_dead_letters_last_at_idx on wallet.webhook_dead_letters (last_at);
lock table wallet.operator_actions in access exclusive mode;

-- What was removed, and for how long something is kept, is about no user, wallet, webhook or key.
alter table wallet.operator_actions
  drop constraint operator_actions_subject_given,
  add constraint operator_actions_subject_given check (
    num_nonnulls(wallet_id, user_id, webhook_id, key_id) > 0 or action in ('verify', 'prune', 'retention')
  );

-- migrate:down
set local role wallet_owner;

drop index wallet.webhook_dead_letters_last_at_idx;
lock table wallet.confirmations, wallet.key_uses, wallet.operator_actions in access exclusive mode;

-- The triggers of the version before, which makes none where one has the name.
do $$
declare
  v_table regclass;
  v_name text;
begin
  for v_table, v_name in
    select t.tgrelid, case t.tgrelid when 'wallet.confirmations'::regclass then 'kept' else 'append_only' end
    from pg_trigger t
    where t.tgname = 'pruned_only'
  loop
    execute format('drop trigger pruned_only on %s', v_table);
    execute format('drop trigger %I on %s', v_name, v_table);
    execute format(
      'create trigger %I before %s delete or truncate on %s for each statement execute function wallet.forbid_change()',
      v_name, case v_name when 'append_only' then 'update or' end, v_table
    );
  end loop;
end;
$$;

alter table wallet.operator_actions disable trigger user;
delete from wallet.operator_actions a where num_nonnulls(a.wallet_id, a.user_id, a.webhook_id, a.key_id) = 0 and a.action <> 'verify';
alter table wallet.operator_actions enable trigger user;
alter table wallet.operator_actions
  drop constraint operator_actions_subject_given,
  add constraint operator_actions_subject_given
    check (num_nonnulls(wallet_id, user_id, webhook_id, key_id) > 0 or action = 'verify');
-- with the functions that take or return its rows
drop table wallet.retention cascade;
