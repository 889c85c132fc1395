create or replace function wallet.require_owner(
  p_owner_id uuid,
  p_actor uuid,
  p_key_id uuid
)
returns void
language plpgsql
stable
as $$
begin
  if p_key_id is not null then
    perform wallet.require_key(p_key_id, 'read', p_actor);
  end if;
  if p_owner_id is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'owner_id', 'reason', 'must not be null'));
  end if;
  perform wallet.require_actor(p_actor);
  if p_actor <> p_owner_id
    or not exists (select from wallet.users u where u.id = p_owner_id and wallet.is_here(u.id))
  then
    perform wallet.raise_error('WA029', jsonb_build_object('user_id', p_owner_id));
  end if;
end;
$$;

comment on function wallet.require_owner(uuid, uuid, uuid) is
  'Raises WA029 unless the user exists, lives here and is the actor; null is an administrator (WA002 for anybody else). WA047 where there is a key that may not read for the actor.';
