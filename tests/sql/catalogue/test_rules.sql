-- Rules for every function and table of ours, also for those that are not written yet.
create temp view ours as
select p.*, p.oid::regprocedure::text as signature
from pg_proc p
where p.pronamespace = 'wallet'::regnamespace or p.pronamespace = 'public'::regnamespace and p.proname ^@ 'wallet_';

select plan(23);
select isnt_empty($$ select from ours where pronamespace = 'public'::regnamespace $$, 'there are functions to look at');

-- functions
select is_empty(
  $$ select signature from ours, aclexplode(coalesce(proacl, acldefault('f', proowner))) a where a.grantee = 0 $$,
  'PUBLIC may execute nothing'
);
set local role wallet_owner;
create function wallet.later() returns integer language sql as 'select 1';
reset role;
select ok(
  not has_function_privilege('public', 'wallet.later()', 'execute'), 'nor what the owner creates after the grants were made'
);
drop function wallet.later();
select is_empty(
  $$ select signature, proconfig from ours where prosecdef and not coalesce('search_path=pg_catalog, pg_temp' = any (proconfig), false) $$,
  'every security definer function pins its search_path'
);
select is_empty(
  $$ select signature from ours where pronamespace = 'public'::regnamespace and not prosecdef $$,
  'every function for callers is security definer'
);
select is_empty(
  $$ select signature from ours where pronamespace = 'wallet'::regnamespace and prosecdef $$, 'no internal function is'
);
select is_empty($$ select signature, proowner::regrole from ours where proowner <> 'wallet_owner'::regrole $$, 'wallet_owner owns every function');
select is_empty(
  $$ select signature from ours where coalesce(obj_description(oid, 'pg_proc'), '') = '' $$, 'every function has a comment'
);
select is_empty(
  $$ select signature, a.name from ours, unnest(proargnames[1:pronargs]) a (name) where a.name !~ '^p_' $$, 'every parameter is called p_…'
);
select is_empty(
  $$ select schema, name from (select pronamespace::regnamespace as schema, proname as name from ours) o group by 1, 2 having count(*) > 1 $$,
  'no function is overloaded'
);

-- callers
select is_empty(
  $$
    select signature
    from ours
    where pronamespace = 'public'::regnamespace and 'p_wallet_id' = any (proargnames[1:pronargs]) and not (
      pg_get_function_arguments(oid) ~ 'p_actor uuid DEFAULT NULL::uuid(, p_key_id uuid DEFAULT NULL::uuid)?$'
    )
    -- p_reason came later, as p_key_id did, and the calls of the service before are by position
    and proname <> 'wallet_set_limits'
  $$,
  'every function that takes a wallet takes p_actor last, null by default, or only a key after it'
);
select is_empty(
  $$
    select signature
    from ours
    where pronamespace = 'public'::regnamespace and 'p_wallet_ids' = any (proargnames[1:pronargs])
      and not pg_get_function_arguments(oid) ~ 'p_actors uuid\[\] DEFAULT NULL::uuid\[\]'
    -- the other sides of transfers, who are nobody's whom a caller acts for
    and proname <> 'wallet_names'
  $$,
  'every function that takes wallets takes p_actors, null by default'
);

-- the service
create temp view relations as
select c.oid, c.oid::regclass::text as name, c.relkind, c.relnamespace
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('wallet', 'public');

select isnt_empty($$ select from relations where relkind = 'r' $$, 'there are tables to look at');
select is_empty(
  $$
    select name
    from relations
    where relkind in ('r', 'v', 'm', 'f', 'p')
      and (
        has_table_privilege('wallet_api', oid, 'select, insert, update, delete, truncate, references, trigger')
        -- 16 lets nobody but the owner
        or current_setting('server_version_num')::integer >= 170000 and has_table_privilege('wallet_api', oid, 'maintain')
        or has_any_column_privilege('wallet_api', oid, 'select, insert, update, references')
      )
  $$,
  'the service has no privilege on any table'
);
select is_empty(
  $$ select name from relations where case relkind when 'S' then has_sequence_privilege('wallet_api', oid, 'usage, select, update') end $$,
  'the service has no privilege on any sequence'
);
select ok(not has_schema_privilege('wallet_api', 'wallet', 'usage, create'), 'the service cannot look into schema wallet');
select ok(not has_schema_privilege('wallet_api', 'public', 'create'), 'the service creates nothing in schema public');
select ok(
  not has_database_privilege('wallet_api', current_database(), 'create'), 'the service creates no schema'
);
select is_empty(
  $$
    select rolname
    from pg_roles
    where rolname in ('wallet_api', 'wallet_owner')
      and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls or rolcanlogin <> (rolname = 'wallet_api'))
  $$,
  'neither role has powers of its own, and only the service logs in'
);
select is_empty($$ select from pg_auth_members where member = 'wallet_api'::regrole $$, 'the service is a member of no role');
select is_empty(
  $$
    select t.name
    from unnest(array['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) t (name)
    where not exists (
      select from pg_db_role_setting r, unnest(r.setconfig) c (setting)
      where r.setrole = 'wallet_api'::regrole
        and r.setdatabase = (select d.oid from pg_database d where d.datname = current_database())
        and c.setting ^@ (t.name || '=') and c.setting !~ '=0'
    )
  $$,
  'sessions of the service have time limits'
);

-- tables
select is_empty(
  $$
    select name from relations
    where relkind = 'r' and relnamespace = 'wallet'::regnamespace and coalesce(obj_description(oid, 'pg_class'), '') = ''
  $$,
  'every table has a comment'
);
select is_empty(
  $$
    select name from relations r join pg_class c using (oid)
    where r.relnamespace = 'wallet'::regnamespace and c.relowner <> 'wallet_owner'::regrole
  $$,
  'wallet_owner owns every table'
);

select * from finish();
