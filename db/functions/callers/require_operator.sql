create or replace function wallet.require_operator(
  p_actor uuid
)
returns void
language plpgsql
stable
as $$
begin
  if p_actor is null then
    perform wallet.require_actor(p_actor);
  elsif not exists (select from wallet.users u where u.id = p_actor and u.role = 'operator') then
    perform wallet.raise_error('WA027', jsonb_build_object('actor', p_actor));
  end if;
end;
$$;

comment on function wallet.require_operator(uuid) is
  'Raises WA027 unless the actor is stored as an operator; null is an administrator (WA002 for anybody else).';
