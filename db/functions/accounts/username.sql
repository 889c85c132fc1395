-- Folded as ASCII: what lower() makes of other letters depends on the locale. The result has the collation of the argument
-- again, which is the one that the index of usernames knows.
create or replace function wallet.username(
  p_username text
)
returns text
language sql
immutable
as $$
  select lower(p_username collate "C") collate "default"
$$;

comment on function wallet.username(text) is 'A username as it is stored: folded to lower case. The one place that folds.';
