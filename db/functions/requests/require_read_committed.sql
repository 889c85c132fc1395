-- Under REPEATABLE READ the reads after the lock would see the past, so that money could be spent twice.
create or replace function wallet.require_read_committed()
returns void
language plpgsql
stable
as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform wallet.raise_error('WA007', jsonb_build_object('isolation', current_setting('transaction_isolation')));
  end if;
end;
$$;

comment on function wallet.require_read_committed() is 'Raises WA007 in a transaction of another isolation level.';
