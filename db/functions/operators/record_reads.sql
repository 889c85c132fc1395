create or replace function wallet.record_reads(
  p_actor uuid,
  p_user_ids uuid[],
  p_of text
)
returns bigint
language sql
volatile
as $$
  select count(wallet.record_action(p_actor, 'read', i.id, null, p_detail => jsonb_build_object('of', p_of)))
  from (select distinct u.id from unnest(p_user_ids) u (id) where u.id is not null) i
$$;

comment on function wallet.record_reads(uuid, uuid[], text) is
  'Notes that an operator was shown these persons, one row each, however often they are named; returns how many. p_of: by which call.';
