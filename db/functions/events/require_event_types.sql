create or replace function wallet.require_event_types(
  p_types text[]
)
returns void
language plpgsql
stable
as $$
begin
  if num_nulls(variadic p_types) > 0 or cardinality(p_types) = 0 or not p_types <@ wallet.event_types() then
    perform wallet.raise_error('WA002', jsonb_build_object(
      'field', 'types', 'reason', 'must be names of events, like transaction.topup', 'known', to_jsonb(wallet.event_types())
    ));
  end if;
end;
$$;

comment on function wallet.require_event_types(text[]) is 'Raises WA002 unless these are names of events; null is all of them.';
