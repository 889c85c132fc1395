create or replace function wallet.details_hash(
  p_salt uuid,
  p_reference text,
  p_metadata jsonb,
  p_effective_at timestamptz
)
returns bytea
language sql
stable
as $$
  select sha256(
    uuid_send(p_salt)
    || convert_to(jsonb_build_array(p_reference, p_metadata, extract(epoch from p_effective_at))::text, 'UTF8')
  )
$$;

comment on function wallet.details_hash(uuid, text, jsonb, timestamptz) is
  'What the chain has of a transaction''s details; null without a salt: it has none, or they were erased.';
