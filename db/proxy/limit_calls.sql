-- A cancelled call waits until its database has taken notice, which a frozen one never does. The end of the session
-- does not wait, so that comes first where the server can bring it about.
create function wallet_proxy.limit_calls(
  p_login text,
  p_seconds integer
)
returns void
language plpgsql
as $$
begin
  execute format('alter role %I in database %I set statement_timeout = %L', p_login, current_database(), p_seconds * 1000);
  if current_setting('server_version_num')::integer >= 170000 then
    execute format('alter role %I in database %I set transaction_timeout = %L', p_login, current_database(), p_seconds * 1000 - 500);
  end if;
end;
$$;
