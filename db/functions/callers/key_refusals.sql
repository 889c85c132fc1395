-- wallet.key_refusal() as a set, because a batch can be of a thousand users, and mostly of one key. Keys and users are
-- read by their ids and nothing else: for a condition that a partial index also has, the planner would read all users.
create or replace function wallet.key_refusals(
  p_key_ids uuid[],
  p_types text[],
  p_actors uuid[]
)
returns jsonb[]
language plpgsql
stable
as $$
declare
  v_places integer[];
  v_reasons text[];
  v_refusals jsonb[];
begin
  with keys as materialized (
    select x.id, x.revoked_at, x.expires_at, x.scopes, x.all_users
    from wallet.api_keys x
    where x.id = any (p_key_ids)
  ),
  users as materialized (
    select u.id, u.role <> 'operator' and u.erased_at is null as is_user
    from wallet.users u
    where u.id = any (p_actors)
  )
  select array_agg(i.place), array_agg(r.reason) into v_places, v_reasons
  from generate_subscripts(p_key_ids, 1) as i (place)
  left join keys k on k.id = p_key_ids[i.place]
  cross join lateral (
    select wallet.key_reason(
      k.id, k.revoked_at, k.expires_at, k.scopes, k.all_users, wallet.key_scope(p_types[i.place]),
      coalesce(p_actors[i.place] in (select u.id from users u where u.is_user), false),
      (
        select s.user_id
        from wallet.key_subjects s
        where s.key_id = p_key_ids[i.place] and s.user_id = p_actors[i.place]
      ) is not null
    )
  ) as r (reason)
  where p_key_ids[i.place] is not null and r.reason is not null;

  if v_places is not null then
    v_refusals := array_fill(null::jsonb, array[cardinality(p_key_ids)]);
    for i in 1 .. cardinality(v_places) loop
      v_refusals[v_places[i]] := jsonb_build_object(
        'key_id', p_key_ids[v_places[i]], 'reason', v_reasons[i],
        'scope', wallet.key_scope(p_types[v_places[i]])
      );
    end loop;
  end if;
  return v_refusals;
end;
$$;

comment on function wallet.key_refusals(uuid[], text[], uuid[]) is
  'For each key, type of request (or read) and user, in order, what wallet.key_refusal() says; null where there is no key, and null as a whole where nothing is refused.';
