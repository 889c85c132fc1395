-- The one judgement of keys: an expression, so that the planner inlines it where one is judged and where many are. By
-- the columns of a key, because to take them out of a row costs more than the rest.
create or replace function wallet.key_reason(
  p_id uuid,
  p_revoked_at timestamptz,
  p_expires_at timestamptz,
  p_scopes text[],
  p_all_users boolean,
  p_scope text,
  p_is_user boolean,
  p_is_listed boolean
)
returns text
language sql
stable
as $$
  select case
    when p_id is null then 'unknown'
    when p_revoked_at is not null then 'revoked'
    when p_expires_at <= statement_timestamp() then 'expired'
    when (p_scope = any (p_scopes)) is not true then 'scope'
    when not p_is_user then 'subject'
    when not (p_all_users or p_is_listed) then 'subject'
  end
$$;

comment on function wallet.key_reason(uuid, timestamptz, timestamptz, text[], boolean, text, boolean, boolean) is
  'Why a key of these columns may not do this now, or null: unknown, revoked, expired, scope or subject. p_is_user: the user exists, is no operator and not erased; p_is_listed: is one of the key''s.';
