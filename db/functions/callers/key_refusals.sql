-- wallet.key_refusal() as a set, because a batch can be of a thousand users. `limit 1` is for the planner: see
-- described_entries().
create or replace function wallet.key_refusals(
  p_key_ids uuid[],
  p_scopes text[],
  p_actors uuid[]
)
returns jsonb[]
language plpgsql
stable
as $$
declare
  v_key wallet.api_keys;
begin
  -- mostly one key acts, and may: then each item costs a look at its user
  if p_key_ids = array_fill(p_key_ids[1], array[cardinality(p_key_ids)])
    and p_scopes = array_fill(p_scopes[1], array[cardinality(p_scopes)])
  then
    select k.* into v_key from wallet.api_keys k where k.id = p_key_ids[1];
    if wallet.key_reason(v_key, p_scopes[1], true, true) is null and not exists (
      select
      from unnest(p_key_ids, p_actors) as i (key_id, actor)
      where not exists (select from wallet.users u where u.id = i.actor and u.role <> 'operator' and u.erased_at is null)
        or not v_key.all_users
        and not exists (select from wallet.key_subjects s where s.key_id = i.key_id and s.user_id = i.actor)
    ) then
      return null;
    end if;
  end if;
  return (
    select array_agg(
      case
        when r.reason is not null then jsonb_build_object('key_id', i.key_id, 'reason', r.reason, 'scope', i.scope)
      end
      order by i.place
    )
    from unnest(p_key_ids, p_scopes, p_actors) with ordinality as i (key_id, scope, actor, place)
    left join lateral (select x as key from wallet.api_keys x where x.id = i.key_id limit 1) k on true
    cross join lateral (
      select case
        when i.key_id is not null then wallet.key_reason(
          k.key, i.scope,
          exists (select from wallet.users u where u.id = i.actor and u.role <> 'operator' and u.erased_at is null),
          exists (select from wallet.key_subjects s where s.key_id = i.key_id and s.user_id = i.actor)
        )
      end
    ) as r (reason)
  );
end;
$$;

comment on function wallet.key_refusals(uuid[], text[], uuid[]) is
  'For each key, scope and user, in order, what wallet.key_refusal() says; null where there is no key, and null as a whole where nothing is refused, as a rule.';
