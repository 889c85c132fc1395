-- Not an argument of record_action(): while a deploy has both forms of that, no call of it would fit one alone.
create or replace function wallet.record_key_action(
  p_actor uuid,
  p_action text,
  p_key_id uuid,
  p_detail jsonb
)
returns void
language sql
volatile
as $$
  insert into wallet.operator_actions (actor, action, key_id, detail)
  values (p_actor, p_action, p_key_id, p_detail)
$$;

comment on function wallet.record_key_action(uuid, text, uuid, jsonb) is
  'Notes what an operator did with a key, for wallet_audit(): key_created or key_revoked. p_detail names no user: it outlives an erasure.';
