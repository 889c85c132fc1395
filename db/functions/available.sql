create or replace function wallet.available(
  p_balance bigint,
  p_held bigint,
  p_floor bigint
)
returns bigint
language sql
immutable
as $$
  select p_balance - p_held - p_floor
$$;

comment on function wallet.available(bigint, bigint, bigint) is 'What can be spent now: the balance less what is held, down to the wallet''s floor.';
