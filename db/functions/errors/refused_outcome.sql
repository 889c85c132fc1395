create or replace function wallet.refused_outcome(
  p_code text,
  p_detail jsonb
)
returns wallet.outcome
language plpgsql
immutable
as $$
declare
  v_outcome wallet.outcome;
begin
  v_outcome.code := p_code;
  v_outcome.detail := p_detail;
  return v_outcome;
end;
$$;

comment on function wallet.refused_outcome(text, jsonb) is 'The outcome of a request that is refused with this SQLSTATE and detail.';
