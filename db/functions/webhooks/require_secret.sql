create or replace function wallet.require_secret(
  p_secret bytea
)
returns void
language plpgsql
immutable
as $$
begin
  if length(p_secret) not between 1 and 1024 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'secret', 'reason', 'must be 1 to 1024 bytes, encrypted by the service'));
  end if;
end;
$$;

comment on function wallet.require_secret(bytea) is 'Raises WA002 for what can be no encrypted secret; null is none.';
