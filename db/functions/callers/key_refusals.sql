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
begin
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
  'For each key, scope and user, in order, what wallet.key_refusal() says; null where there is no key.';
