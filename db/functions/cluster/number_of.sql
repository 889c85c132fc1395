-- An expression, so that it is inlined where it is called.
create or replace function wallet.number_of(
  p_id uuid
)
returns smallint
language sql
immutable
as $$
  select case
    when get_byte(uuid_send(p_id), 6) >> 4 = 8
      then (get_byte(uuid_send(p_id), 14) & 15) * 256 + get_byte(uuid_send(p_id), 15)
    else 0
  end::smallint
$$;

comment on function wallet.number_of(uuid) is
  'The number of the database in which a user or wallet lives: the last 12 bits of an id of version 8, 0 for any other.';
