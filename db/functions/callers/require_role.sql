create or replace function wallet.require_role(
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

comment on function wallet.require_role(uuid) is
  'Raises WA027 unless the user is stored as an operator, also where another login than theirs calls: who asked for what is confirmed now. Null is an administrator (WA002 for anybody else).';
