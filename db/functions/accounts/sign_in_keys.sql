create or replace function wallet.sign_in_keys(
  p_username text,
  p_address text
)
returns table (kind text, key bytea)
language sql
stable
as $$
  select k.kind, sha256(convert_to(jsonb_build_array(k.kind, k.username, k.address)::text, 'UTF8'))
  from wallet.username(p_username) as u (username)
  cross join lateral (values
    ('pair', u.username, p_address),
    ('account', u.username, null),
    ('address', null, p_address)
  ) as k (kind, username, address)
$$;

comment on function wallet.sign_in_keys(text, text) is
  'What a sign-in is counted under: the account, the address, and the pair of them.';
