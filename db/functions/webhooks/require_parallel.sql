create or replace function wallet.require_parallel(
  p_field text,
  p_ids bigint[],
  p_lengths integer[],
  p_nulls integer
)
returns void
language plpgsql
immutable
as $$
begin
  if p_ids is null or coalesce(num_nulls(variadic p_ids) + p_nulls, 1) > 0
    or exists (select from unnest(p_lengths) l where l is distinct from cardinality(p_ids)) then
    perform wallet.raise_error(
      'WA002', jsonb_build_object('field', p_field, 'reason', 'must be ids, with arrays of the same length beside them')
    );
  end if;
end;
$$;

comment on function wallet.require_parallel(text, bigint[], integer[], integer) is
  'Raises WA002 unless ids are not null, arrays beside them have their length, and p_nulls, of those, is 0.';
