create or replace function wallet.name_digest(
  p_username text
)
returns bytea
language sql
stable
as $$
  select sha256(i.name_key_outer || sha256(i.name_key_inner || convert_to(wallet.username(p_username), 'UTF8')))
  from wallet.installation i
$$;

comment on function wallet.name_digest(text) is 'HMAC-SHA256 of a username under the key of this database, which wallet_owner alone can read.';
