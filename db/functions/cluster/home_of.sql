-- The service computes the same (api/cluster_map.py): a test holds both equal.
create or replace function wallet.home_of(
  p_username text,
  p_numbers smallint[]
)
returns smallint
language sql
immutable
as $$
  select p_numbers[
    1 + (('x' || encode(substring(sha256(convert_to(wallet.username(p_username), 'UTF8')) for 7), 'hex'))::bit(56)::bigint
      % cardinality(p_numbers))
  ]
$$;

comment on function wallet.home_of(text, smallint[]) is
  'The database among these in which a name lives: the first 56 bits of the SHA-256 of the folded name, modulo their number.';
