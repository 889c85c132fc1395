-- migrate:up
set local role wallet_owner;

do $$
declare
  v_owner text;
begin
  select n.nspowner::regrole into v_owner
  from pg_namespace n
  where n.nspname = 'reporting' and n.nspowner <> 'wallet_owner'::regrole;
  if found then
    raise exception 'schema reporting belongs to %', v_owner
      using hint = 'pgwallet has its views for reports in a schema of this name: rename the other one, then migrate again.';
  end if;
end;
$$;

create schema if not exists reporting;
comment on schema reporting is 'Views for reports, for members of wallet_reader.';

create table wallet.operator_logins (
  login text not null,
  user_id uuid not null,
  created_at timestamptz not null default clock_timestamp(),
  constraint operator_logins_pkey primary key (login),
  constraint operator_logins_user_fkey foreign key (user_id) references wallet.users (id)
);

comment on table wallet.operator_logins is
  'Whose a login is that calls in an operator''s name. A row goes with the operator''s role, with the person, or by wallet_remove_login().';
comment on column wallet.operator_logins.login is 'The name of the database role, as session_user has it.';

revoke all on wallet.operator_logins from public;

-- migrate:down
set local role wallet_owner;

drop table wallet.operator_logins;
drop schema reporting cascade;
