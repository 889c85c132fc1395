create or replace function wallet.require_parallel(
  p_field text,
  p_ids bigint[],
  p_lengths integer[]
)
returns void
language plpgsql
immutable
as $$
begin
  if p_ids is null or array_position(p_ids, null) is not null
    or exists (select from unnest(p_lengths) l where l is distinct from cardinality(p_ids)) then
    perform wallet.raise_error(
      'WA002', jsonb_build_object('field', p_field, 'reason', 'must be as many as the arrays beside it, and none null')
    );
  end if;
end;
$$;

comment on function wallet.require_parallel(text, bigint[], integer[]) is
  'Raises WA002 unless arrays beside p_ids have its length, and no id is null.';
