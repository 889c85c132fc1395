create or replace function wallet.require_position(
  p_after bigint,
  p_epoch integer
)
returns void
language plpgsql
stable
as $$
declare
  v_known bigint;
begin
  -- what comes after the greatest number is none
  if p_after is null or p_after not between 0 and 9223372036854775806 then
    perform wallet.raise_error('WA024', jsonb_build_object('field', 'after'));
  elsif p_epoch is null then
    return;
  end if;

  -- of the newest epoch all ids that were drawn: nobody can have read others, unless the files are those of before; 0
  -- for an epoch that is not of this history
  select case
    when exists (select from wallet.event_epochs n where n.id > e.id) then e.known_id
    else wallet.drawn_up_to()
  end into v_known
  from wallet.event_epochs e
  where e.token = p_epoch;
  if not found then
    v_known := 0;
  end if;
  if p_after > v_known then
    perform wallet.raise_error('WA041', jsonb_build_object('field', 'after', 'after', p_after, 'known', v_known));
  end if;
end;
$$;

comment on function wallet.require_position(bigint, integer) is
'Raises WA024 unless p_after is an event''s id or 0, and WA041 where its epoch ended before it: detail known is the last id that is common to both. A null epoch is not looked at.';
