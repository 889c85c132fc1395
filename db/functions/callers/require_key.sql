-- Called before anything is read or locked: what a key may not do, it must not hold up either.
create or replace function wallet.require_key(
  p_key_id uuid,
  p_scope text,
  p_actor uuid
)
returns void
language plpgsql
stable
as $$
declare
  v_refusal jsonb;
begin
  if p_actor is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'actor', 'reason', 'must not be null with a key'));
  end if;
  perform wallet.require_service();
  v_refusal := wallet.key_refusal(p_key_id, p_scope, p_actor);
  if v_refusal is not null then
    perform wallet.raise_error('WA047', v_refusal);
  end if;
end;
$$;

comment on function wallet.require_key(uuid, text, uuid) is
  'Raises WA047 where the key may not do this for the user, with the reason, WA002 where it names no user, and WA035 for who cannot know which key was sent. Whoever has no key does not ask.';
