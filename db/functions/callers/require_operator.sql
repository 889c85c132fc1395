create or replace function wallet.require_operator(
  p_actor uuid
)
returns void
language plpgsql
stable
as $$
begin
  perform wallet.require_role(p_actor);
  perform wallet.require_actor(p_actor);
end;
$$;

comment on function wallet.require_operator(uuid) is
  'Raises WA027 unless the actor is stored as an operator, WA002 unless this login may call in that name; null is an administrator (WA002 for anybody else).';
