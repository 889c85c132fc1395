create or replace function wallet.require_page(
  p_after bigint,
  p_up_to bigint,
  p_limit integer,
  p_types text[],
  p_epoch integer
)
returns void
language plpgsql
stable
as $$
begin
  if p_up_to is null or p_up_to < 0 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'up_to', 'reason', 'must be up_to of a mark'));
  elsif p_limit is null or p_limit not between 1 and 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'limit', 'reason', 'must be between 1 and 1000'));
  end if;
  perform wallet.require_event_types(p_types);
  perform wallet.require_position(p_after, p_epoch);
end;
$$;

comment on function wallet.require_page(bigint, bigint, integer, text[], integer) is
  'Raises WA002, WA024 or WA041 where a page of events cannot be read so.';
