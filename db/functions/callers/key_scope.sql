create or replace function wallet.key_scope(
  p_type text
)
returns text
language sql
immutable
as $$
  select case when p_type in ('capture', 'void') then 'hold' else p_type end
$$;

comment on function wallet.key_scope(text) is
  'The scope that a key needs for this type of request: whoever may hold may capture and void. Of a type that no key may ask for its name, which is no scope.';
