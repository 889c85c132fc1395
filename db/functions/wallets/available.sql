create or replace function wallet.available(
  p_balance bigint,
  p_held bigint,
  p_floor bigint
)
returns bigint
language sql
immutable
as $$
  select least(p_balance - p_held - p_floor, wallet.max_amount())
$$;

comment on function wallet.available(bigint, bigint, bigint) is 'What can be spent now: the balance less what is held, down to the wallet''s floor; at most what one request can move.';
