create or replace function wallet.described_key(
  p_key wallet.api_keys
)
returns wallet.described_key
language sql
stable
as $$
  select jsonb_populate_record(
    null::wallet.described_key,
    to_jsonb(p_key) - '{secret_hash,networks}'::text[] || jsonb_build_object(
      'created_by', p_key.actor,
      'networks', to_jsonb(p_key.networks::text[]),
      'user_ids', case when not p_key.all_users then (
        select to_jsonb(array_agg(s.user_id order by s.user_id)) from wallet.key_subjects s where s.key_id = p_key.id
      ) end
    )
  )
$$;

comment on function wallet.described_key(wallet.api_keys) is 'A key as operators are shown it, without its secret.';
