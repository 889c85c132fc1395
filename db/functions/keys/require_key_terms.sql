-- What does not depend on what is stored or on the clock, so that the same request is judged alike when it comes again.
create or replace function wallet.require_key_terms(
  p_name text,
  p_secret_hash bytea,
  p_prefix text,
  p_scopes text[],
  p_user_ids uuid[],
  p_all_users boolean,
  p_networks text[],
  p_expires_at timestamptz,
  p_calls_per_minute integer
)
returns void
language plpgsql
stable
as $$
declare
  c_scopes constant text[] := array['hold', 'read', 'refund', 'spend', 'topup', 'transfer'];
  v_fault record;
begin
  select f.field, f.reason into v_fault
  from (values
    ('name', 'must have 1 to 64 characters', coalesce(length(p_name) not between 1 and 64, true)),
    ('name', 'must have no control characters', p_name ~ '[\x01-\x1f\x7f-\x9f]'),
    ('secret_hash', 'must be a SHA-256 of 32 bytes', coalesce(length(p_secret_hash) <> 32, true)),
    ('prefix', 'must be the first 12 characters of the secret, which begins with pgw_',
      coalesce(p_prefix !~ '^pgw_[A-Za-z0-9_-]{8}$', true)),
    ('scopes', 'must be some of hold, read, refund, spend, topup and transfer',
      coalesce(cardinality(p_scopes) = 0 or num_nulls(variadic p_scopes) > 0 or not p_scopes <@ c_scopes, true)),
    ('all_users', 'must be true, or user_ids given, not both', coalesce(p_all_users, false) = (p_user_ids is not null)),
    ('user_ids', 'must be 1 to 1000 ids',
      cardinality(p_user_ids) not between 1 and 1000 or num_nulls(variadic p_user_ids) > 0),
    ('networks', 'must be 1 to 100 networks like 192.0.2.0/24 or 2001:db8::/32, without bits to the right of the mask',
      cardinality(p_networks) not between 1 and 100
      -- to cidr alone, 10 is 10.0.0.0/8, and 192.168 is 192.168.0.0/24
      or exists (
        select from unnest(p_networks) n where (pg_input_is_valid(n, 'cidr') and pg_input_is_valid(n, 'inet')) is not true
      )),
    -- callers' addresses of IPv4 are judged as such, also on a socket of IPv6: no address would be in this
    ('networks', 'must be like 192.0.2.0/24 where they are of IPv4, without ::ffff: before them',
      exists (
        select
        from unnest(p_networks) n
        where case when pg_input_is_valid(n, 'cidr') then n::cidr <<= inet '::ffff:0.0.0.0/96' end
      )),
    ('expires_at', 'must be a moment before the year 10000',
      not isfinite(p_expires_at) or p_expires_at >= '10000-01-01 00:00:00+00'),
    ('calls_per_minute', 'must be between 1 and 1000000', p_calls_per_minute not between 1 and 1000000)
  ) as f (field, reason, is_fault)
  where f.is_fault
  limit 1;
  if found then
    perform wallet.raise_error('WA002', jsonb_build_object('field', v_fault.field, 'reason', v_fault.reason));
  end if;
end;
$$;

comment on function wallet.require_key_terms(
  text, bytea, text, text[], uuid[], boolean, text[], timestamptz, integer
) is
  'Raises WA002 where no key can be so: see wallet_create_key().';
