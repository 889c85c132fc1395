-- PL/Proxy splits arrays of the same length only, and calls no array the empty one.
create function wallet_proxy.filled(
  p_array anyarray,
  p_items integer
)
returns anyarray
language sql
immutable
as $$ select case when p_array is null then array_fill(null, array[p_items], array[1]) else p_array end $$;
