create or replace function wallet.require_actor(
  p_actor uuid,
  p_field text default 'actor'
)
returns void
language plpgsql
stable
as $$
begin
  if p_actor is null and not wallet.is_trusted() then
    perform wallet.raise_error('WA002', jsonb_build_object('field', p_field, 'reason', 'must not be null unless an administrator calls'));
  elsif not wallet.is_believed() and wallet.is_barred(p_actor) then
    perform wallet.raise_error('WA002', jsonb_build_object('field', p_field, 'reason', 'must not be an operator but from a login of that operator'));
  end if;
end;
$$;

comment on function wallet.require_actor(uuid, text) is
  'Raises WA002 for a null actor, unless an administrator calls, and for an operator in whose name this login may not call.';
