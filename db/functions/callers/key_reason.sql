-- The one judgement of keys: an expression, so that the planner inlines it where one is judged and where many are.
create or replace function wallet.key_reason(
  p_key wallet.api_keys,
  p_scope text,
  p_is_user boolean,
  p_is_listed boolean
)
returns text
language sql
stable
as $$
  select case
    when p_key.id is null then 'unknown'
    when p_key.revoked_at is not null then 'revoked'
    when p_key.expires_at <= statement_timestamp() then 'expired'
    when (p_scope = any (p_key.scopes)) is not true then 'scope'
    when not p_is_user then 'subject'
    when not (p_key.all_users or p_is_listed) then 'subject'
  end
$$;

comment on function wallet.key_reason(wallet.api_keys, text, boolean, boolean) is
  'Why a key may not do this now, or null: unknown, revoked, expired, scope or subject. p_is_user: the user exists, is no operator and not erased; p_is_listed: is one of the key''s.';
