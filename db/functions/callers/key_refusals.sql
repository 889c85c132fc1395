-- The one judgement of keys, as a set, because a batch can be of a thousand users. Roles, erasures and revocations are
-- read each time, because they change and a key does not. Each `limit 1` is for the planner: see described_entries().
create or replace function wallet.key_refusals(
  p_key_ids uuid[],
  p_scopes text[],
  p_actors uuid[]
)
returns jsonb[]
language sql
stable
as $$
  select array_agg(
    case
      when r.reason is not null then jsonb_build_object('key_id', i.key_id, 'reason', r.reason, 'scope', i.scope)
    end
    order by i.place
  )
  from unnest(p_key_ids, p_scopes, p_actors) with ordinality as i (key_id, scope, actor, place)
  left join lateral (select * from wallet.api_keys x where x.id = i.key_id limit 1) k on true
  left join lateral (
    select u.id
    from wallet.users u
    where u.id = i.actor and u.role <> 'operator' and u.erased_at is null and k.id is not null
    limit 1
  ) u on true
  left join lateral (
    select s.user_id
    from wallet.key_subjects s
    where s.key_id = k.id and s.user_id = i.actor and not k.all_users
    limit 1
  ) s on true
  cross join lateral (
    select case
      when i.key_id is null then null
      when k.id is null then 'unknown'
      when k.revoked_at is not null then 'revoked'
      when k.expires_at <= (select clock_timestamp()) then 'expired'
      when i.scope is null or i.scope <> all (k.scopes) then 'scope'
      when u.id is null or not k.all_users and s.user_id is null then 'subject'
    end
  ) as r (reason)
$$;

comment on function wallet.key_refusals(uuid[], text[], uuid[]) is
  'For each key, scope and user, in order: null where the key may do it, or there is no key; else {"key_id", "reason", "scope"}, with reason unknown, revoked, expired, scope or subject: not of its users, an operator, erased, or nobody.';
