-- migrate:up
set local role wallet_owner;

comment on schema wallet is
  'Tables and internals of pgwallet. Call the functions wallet_… in schema public instead. Rolling back drops the functions first.';

-- migrate:down
-- Functions are deployed after all migrations, and stand on what the earlier ones made.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid
    from pg_catalog.pg_proc p
    where p.proowner = 'wallet_owner'::regrole
      and (p.pronamespace = 'wallet'::regnamespace or p.pronamespace = 'public'::regnamespace and p.proname ^@ 'wallet_')
  loop
    -- the triggers of _triggers.sql go with theirs
    execute format('drop routine if exists %s cascade', v_function);
  end loop;
end;
$$;

set local role wallet_owner;

comment on schema wallet is 'Tables and internals of pgwallet. Call the functions wallet_… in schema public instead.';
