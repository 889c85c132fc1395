-- Applied after all functions: PUBLIC may call nothing, the service what it needs. tests/sql holds a reviewed snapshot.
revoke all on all functions in schema wallet from public;
alter default privileges for role wallet_owner revoke execute on functions from public;
alter default privileges for role wallet_owner revoke usage on types from public;

do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid
    from pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.proowner = 'wallet_owner'::regrole
  loop
    execute format('revoke all on function %s from public, wallet_api', v_function);
  end loop;
end;
$$;

grant execute on function
  public.wallet_balance,
  public.wallet_batch,
  public.wallet_balance_at,
  public.wallet_credentials,
  public.wallet_entries,
  public.wallet_principal,
  public.wallet_register,
  public.wallet_spend,
  public.wallet_topup
to wallet_api;
