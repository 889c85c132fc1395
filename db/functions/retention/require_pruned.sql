create or replace function wallet.require_pruned()
returns trigger
language plpgsql
as $$
declare
  v_allowed text;
  v_is_other boolean;
begin
  select string_agg(format('(%s) and %s < %L and %s <= %L', r.condition, r.at, r.until, r.at, p.up_to), ' or ')
  into v_allowed
  from wallet.retention_rules() r
  left join lateral (
    select (a.detail ->> 'up_to')::timestamptz as up_to
    from wallet.operator_actions a
    where a.action = 'prune' and a.detail ->> 'of' = r.subject
    order by a.action desc, a.id desc
    limit 1
  ) p on true
  where r.relation = tg_table_name;
  execute format('select exists (select from removed t where (%s) is not true)', v_allowed) into v_is_other;
  if v_is_other then
    perform wallet.raise_error('WA008', jsonb_build_object('table', tg_table_name, 'operation', lower(tg_op)));
  end if;
  return null;
end;
$$;

comment on function wallet.require_pruned() is
  'Trigger: a row is removed only where a rule of wallet.retention_rules() lets it go, and the audit says so (WA008).';
