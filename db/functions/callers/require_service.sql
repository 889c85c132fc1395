create or replace function wallet.require_service()
returns void
language plpgsql
stable
as $$
begin
  if not pg_has_role(session_user, 'wallet_api', 'member') then
    perform wallet.require_trust();
  end if;
end;
$$;

comment on function wallet.require_service() is 'Raises WA035 unless the service''s login or an administrator calls: whoever else signs people in can become anybody.';
