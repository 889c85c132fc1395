create or replace function wallet.require_past(
  p_field text,
  p_at timestamptz
)
returns void
language plpgsql
volatile
as $$
begin
  if p_at is null or not isfinite(p_at) then
    perform wallet.raise_error('WA002', jsonb_build_object('field', p_field, 'reason', 'must be a moment in time'));
  elsif p_at > clock_timestamp() then
    perform wallet.raise_error('WA023', jsonb_build_object('field', p_field, 'now', clock_timestamp()));
  end if;
end;
$$;

comment on function wallet.require_past(text, timestamptz) is 'Raises WA002 for no moment and WA023 for one in the future.';
