create or replace function wallet.settle(
  p_outcome wallet.outcome
)
returns wallet.transaction_result
language plpgsql
stable
as $$
begin
  if p_outcome.code is not null then
    perform wallet.refuse(p_outcome.code, p_outcome.detail);
  end if;
  return p_outcome.result;
end;
$$;

comment on function wallet.settle(wallet.outcome) is 'The result of a single call; raises its refusal.';
