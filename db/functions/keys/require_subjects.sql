create or replace function wallet.require_subjects(
  p_user_ids uuid[]
)
returns void
language plpgsql
stable
as $$
declare
  v_fault record;
begin
  select i.id, case u.role when 'operator' then 'must not be an operator' else 'must not be erased' end as reason,
    u.id is null as is_unknown
  into v_fault
  from unnest(p_user_ids) with ordinality as i (id, place)
  left join lateral (select * from wallet.users x where x.id = i.id limit 1) u on true
  where u.role = 'operator' or u.erased_at is not null or u.id is null and not wallet.is_elsewhere(i.id)
  order by i.place
  limit 1;
  if not found then
    return;
  elsif v_fault.is_unknown then
    perform wallet.raise_error('WA029', jsonb_build_object('field', 'user_ids', 'user_id', v_fault.id));
  end if;
  perform wallet.raise_error(
    'WA002', jsonb_build_object('field', 'user_ids', 'reason', v_fault.reason, 'user_id', v_fault.id)
  );
end;
$$;

comment on function wallet.require_subjects(uuid[]) is
  'Raises WA029 for a user who does not exist, and WA002 for an operator or an erased one. Whoever lives in another database of the cluster is judged there, when the key is used.';
