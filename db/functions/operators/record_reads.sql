-- One statement for all of them: wallet.record_action() for each would take half as long again.
create or replace function wallet.record_reads(
  p_actor uuid,
  p_user_ids uuid[],
  p_of text
)
returns bigint
language sql
volatile
as $$
  with noted as (
    insert into wallet.operator_actions (actor, action, user_id, detail)
    select distinct p_actor, 'read', u.id, jsonb_build_object('of', p_of)
    from unnest(p_user_ids) u (id)
    where u.id is not null
    returning id
  )
  select count(*)
  from noted
$$;

comment on function wallet.record_reads(uuid, uuid[], text) is
  'Notes that an operator was shown these persons, one row each, however often they are named; returns how many. p_of: by which call.';
