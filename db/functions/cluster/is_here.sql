create or replace function wallet.is_here(
  p_id uuid
)
returns boolean
language sql
stable
as $$
  select wallet.number_of(p_id) = s.number
  from wallet.shard s
$$;

comment on function wallet.is_here(uuid) is
  'Whether a user or wallet of this id lives in this database, if there is one. False for an operator''s copy.';
