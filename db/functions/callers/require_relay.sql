create or replace function wallet.require_relay()
returns void
language plpgsql
stable
as $$
begin
  if not pg_has_role(session_user, 'wallet_relay', 'member') then
    perform wallet.require_trust();
  end if;
end;
$$;

comment on function wallet.require_relay() is
  'Raises WA035 unless the relay''s login or an administrator calls: whoever else delivers transfers can make money.';
