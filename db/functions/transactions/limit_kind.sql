create or replace function wallet.limit_kind(
  p_type text
)
returns text
language sql
immutable
as $$
  select case
    when p_type in ('topup', 'spend', 'transfer') then p_type
    when p_type in ('hold', 'capture') then 'spend'
  end
$$;

comment on function wallet.limit_kind(text) is 'The kind of limit that a type of request counts against; null for none.';
