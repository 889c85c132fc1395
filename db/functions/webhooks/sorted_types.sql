create or replace function wallet.sorted_types(
  p_types text[]
)
returns text[]
language sql
immutable
as $$
  select case when p_types is not null then array(select distinct t from unnest(p_types) t order by t) end
$$;

comment on function wallet.sorted_types(text[]) is 'These names of events, each once; null stays null.';
