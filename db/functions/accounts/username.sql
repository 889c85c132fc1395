-- Folded as ASCII, because what lower() makes of other letters depends on the locale. The result has the default
-- collation again, because the index of usernames serves no other.
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
