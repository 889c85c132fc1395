create or replace function wallet.require_operator(
  p_actor uuid
)
returns void
language plpgsql
stable
as $$
begin
  if p_actor is null then
    if wallet.called_by_service() then
      perform wallet.refuse('WA002', jsonb_build_object('field', 'actor', 'reason', 'must not be null when the service calls'));
    end if;
  elsif not exists (select from wallet.users u where u.id = p_actor and u.role = 'operator') then
    perform wallet.refuse('WA027', jsonb_build_object('actor', p_actor));
  end if;
end;
$$;

comment on function wallet.require_operator(uuid) is
  'Raises WA027 unless the actor is stored as an operator; null is an administrator, whom the service cannot be (WA002).';
