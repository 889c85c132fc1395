create or replace function wallet.require_another(
  p_owner_id uuid,
  p_actor uuid
)
returns void
language plpgsql
stable
as $$
begin
  if p_owner_id = p_actor then
    perform wallet.raise_error('WA038', jsonb_build_object('actor', p_actor));
  end if;
end;
$$;

comment on function wallet.require_another(uuid, uuid) is
  'Raises WA038 where an operator would change what is their own. For a null owner or actor it raises nothing.';
