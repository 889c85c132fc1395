-- What the databases write is no part of the transaction here, so they do not know that it must not write.
create function wallet_proxy.require_writable()
returns void
language plpgsql
stable
as $$
begin
  if current_setting('transaction_read_only') = 'on' then
    raise exception using errcode = 'read_only_sql_transaction', message = 'a call that writes cannot be made in a read-only transaction';
  end if;
end;
$$;
