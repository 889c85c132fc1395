create or replace function wallet.require_replay(
  p_after bigint,
  p_epoch integer,
  p_up_to bigint
)
returns void
language plpgsql
stable
as $$
begin
  perform wallet.require_position(p_after, p_epoch);
  if p_after > p_up_to then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'after', 'reason', 'must not be later than how far it is: no event is passed over'));
  end if;
end;
$$;

comment on function wallet.require_replay(bigint, integer, bigint) is
  'Raises WA024, WA041 or WA002 unless deliveries can begin after p_after: an event''s id or 0, up to p_up_to.';
