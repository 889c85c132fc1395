create or replace function wallet.refused_outcome(
  p_code text,
  p_detail jsonb
)
returns wallet.outcome
language sql
immutable
as $$
  select row(p_code, p_detail, null::wallet.transaction_result)::wallet.outcome
$$;

comment on function wallet.refused_outcome(text, jsonb) is 'The outcome of a request that is refused with this SQLSTATE and detail.';
