create or replace function wallet.check_change(
  p_delta bigint,
  p_balance bigint,
  p_available bigint,
  p_status text,
  p_max_balance bigint
)
returns text
language sql
immutable
as $$
  select case
    when p_status = 'closed' then 'WA013'
    when p_delta < 0 and p_status = 'frozen' then 'WA012'
    when p_delta < 0 and p_available + p_delta < 0 then 'WA003'
    when p_delta > 0 and p_balance + p_delta > coalesce(p_max_balance, wallet.max_amount()) then 'WA006'
  end
$$;

comment on function wallet.check_change(bigint, bigint, bigint, text, bigint) is
  'The code that refuses a change of p_delta minor units to a wallet of this balance, availability, status and maximum, or null.';
