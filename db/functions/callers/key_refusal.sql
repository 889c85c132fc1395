create or replace function wallet.key_refusal(
  p_key_id uuid,
  p_scope text,
  p_actor uuid
)
returns jsonb
language plpgsql
stable
as $$
declare
  v_reason text;
begin
  -- roles, erasures and revocations are read each time, because they change and a key does not
  select wallet.key_reason(
    k.id, k.revoked_at, k.expires_at, k.scopes, k.all_users, p_scope,
    exists (select from wallet.users u where u.id = p_actor and u.role <> 'operator' and u.erased_at is null),
    exists (select from wallet.key_subjects s where s.key_id = p_key_id and s.user_id = p_actor)
  )
  into v_reason
  from (select) as one
  left join wallet.api_keys k on k.id = p_key_id;
  if v_reason is not null then
    return jsonb_build_object('key_id', p_key_id, 'reason', v_reason, 'scope', p_scope);
  end if;
  return null;
end;
$$;

comment on function wallet.key_refusal(uuid, text, uuid) is
  'Why a key may not act so for this user now: {"key_id", "reason", "scope"}, with reason unknown, revoked, expired, scope or subject; null where it may. A subject is none for whom it is not, an operator, the erased, and nobody.';
