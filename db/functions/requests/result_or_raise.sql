create or replace function wallet.result_or_raise(
  p_outcome wallet.outcome
)
returns wallet.transaction_result
language plpgsql
stable
as $$
begin
  if p_outcome.code is not null then
    perform wallet.raise_error(p_outcome.code, p_outcome.detail);
  end if;
  return p_outcome.result;
end;
$$;

comment on function wallet.result_or_raise(wallet.outcome) is 'The result of a single call; raises its refusal.';
