create or replace function wallet.require_hash(
  p_password_hash text
)
returns void
language plpgsql
immutable
as $$
begin
  if p_password_hash is null or length(p_password_hash) not between 1 and 256 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'password_hash', 'reason', 'must have 1 to 256 characters'));
  end if;
end;
$$;

comment on function wallet.require_hash(text) is 'Raises WA002 unless this can be the hash of a password.';
