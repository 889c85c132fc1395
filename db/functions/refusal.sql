create or replace function wallet.refusal(
  p_delta bigint,
  p_balance bigint,
  p_available bigint
)
returns text
language sql
immutable
as $$
  select case
    when p_delta < 0 and p_available + p_delta < 0 then 'WA003'
    when p_balance + p_delta > 9007199254740991 then 'WA006'
  end
$$;

comment on function wallet.refusal(bigint, bigint, bigint) is
  'The code that refuses a change of p_delta minor units to a wallet with this balance and what of it is available, or null.';
