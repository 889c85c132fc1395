create or replace function wallet.key_of(
  p_id bigint
)
returns jsonb
language sql
stable
as $$
  select jsonb_build_object('id', u.key_id, 'name', k.name, 'prefix', k.prefix)
  from (select x.key_id from wallet.key_uses x where x.id = p_id limit 1) u
  left join lateral (select x.name, x.prefix from wallet.api_keys x where x.id = u.key_id limit 1) k on true
$$;

comment on function wallet.key_of(bigint) is
  'The key that made this transaction or hold''s event, for operators: {"id", "name", "prefix"}; null where none did.';
