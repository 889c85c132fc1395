create function wallet_proxy.keep_mappings()
returns event_trigger
language plpgsql
as $$
begin
  if not (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user) then
    raise exception using errcode = 'insufficient_privilege', message = 'only a superuser changes who is who in the databases';
  end if;
end;
$$;
