-- The roles of a wallet database, and what they may do in this database. Run by an administrator before the
-- migrations, as often as one likes. Roles belong to the whole cluster, so no migration may make or drop them. Nothing
-- is taken from anybody here: others may live in this database. PGWALLET_API_ROLE names wallet_api otherwise.
--
--   wallet_owner  owns every table and function; cannot log in
--   wallet_api    the service's login: may execute the functions granted in functions/_grants.sql and nothing else
--   wallet_relay  carries transfers between databases, and may execute what that needs and nothing else; cannot log in
--                 until there are several databases
--   wallet_app, wallet_reader, wallet_operator
--                 people and their programs have logins of their own, which `pgwallet grant` makes members of these

do $$
declare
  v_role text;
begin
  foreach v_role in array array[
    'wallet_owner', 'wallet_api', 'wallet_relay', 'wallet_app', 'wallet_reader', 'wallet_operator'
  ] loop
    begin
      execute format('create role %I %s', v_role, case v_role when 'wallet_api' then 'login' else 'nologin' end);
    -- another database of this cluster made it, perhaps at this very moment
    exception when duplicate_object or unique_violation then
      null;
    end;
  end loop;

  -- A managed server's administrator is no superuser: it may act as the owner only when it is a member.
  if current_setting('is_superuser') = 'off' and not pg_has_role(current_user, 'wallet_owner', 'set') then
    execute format('grant wallet_owner to %I', current_user);
  end if;

  execute format('grant connect on database %I to wallet_api, wallet_relay, wallet_owner', current_database());
  execute format('grant create on database %I to wallet_owner', current_database());

  -- A caller that hangs must not hold a wallet's lock: the sessions of service and relay give up by themselves.
  foreach v_role in array array['wallet_api', 'wallet_relay'] loop
    execute format('alter role %I in database %I set statement_timeout = %L', v_role, current_database(), '10s');
    execute format('alter role %I in database %I set lock_timeout = %L', v_role, current_database(), '5s');
    execute format('alter role %I in database %I set idle_in_transaction_session_timeout = %L', v_role, current_database(), '10s');
  end loop;
end;
$$;

grant usage, create on schema public to wallet_owner;
grant usage on schema public to wallet_api, wallet_relay, wallet_app, wallet_operator;
