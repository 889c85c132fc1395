create function wallet_proxy.number_of_row(
  p_id bigint
)
returns smallint
language sql
immutable
as $$ select case when p_id >> 40 between 0 and 4095 then p_id >> 40 else 0 end::smallint $$;
