-- PL/Proxy splits arrays of the same length only. The element of a null array is a null of its type.
create function wallet_proxy.filled(
  p_array anyarray,
  p_items integer
)
returns anyarray
language sql
immutable
as $$ select case when p_array is null then array_fill(p_array[1], array[p_items]) else p_array end $$;
