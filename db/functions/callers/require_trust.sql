create or replace function wallet.require_trust()
returns void
language plpgsql
stable
as $$
begin
  if not wallet.is_trusted() then
    perform wallet.raise_error('WA035', jsonb_build_object('login', session_user));
  end if;
end;
$$;

comment on function wallet.require_trust() is 'Raises WA035 unless an administrator calls.';
