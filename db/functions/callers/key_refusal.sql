create or replace function wallet.key_refusal(
  p_key_id uuid,
  p_scope text,
  p_actor uuid
)
returns jsonb
language sql
stable
as $$
  select (wallet.key_refusals(array[p_key_id], array[p_scope], array[p_actor]))[1]
$$;

comment on function wallet.key_refusal(uuid, text, uuid) is 'What wallet.key_refusals() says of one: null where the key may do it.';
