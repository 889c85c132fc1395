-- A cursor is a number of one database.
create function wallet_proxy.require_newest_page(
  p_before_id bigint
)
returns void
language plpgsql
immutable
as $$
begin
  if p_before_id is not null then
    perform wallet_proxy.refuse('a list of all databases has its newest page only', 'Raise p_limit, or ask a database itself for the pages before.');
  end if;
end;
$$;
