-- JSON clients read every integer up to here exactly (RFC 8259, section 6).
create or replace function wallet.max_amount()
returns bigint
language sql
immutable
as $$
  select 9007199254740991
$$;

comment on function wallet.max_amount() is
  'The most minor units that one request moves and that a balance reaches, up or down: 2^53 − 1.';
