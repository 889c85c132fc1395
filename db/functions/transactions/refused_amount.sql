create or replace function wallet.refused_amount(
  p_code text,
  p_request wallet.request,
  p_amount bigint,
  p_opening wallet.opening
)
returns wallet.outcome
language sql
immutable
as $$
  select wallet.refused(p_code, jsonb_build_object(
    'field', 'amount', 'wallet_id', p_request.wallet_id, 'requested', p_amount, 'balance', p_opening.balance,
    'available', wallet.available(p_opening.balance, p_opening.held, p_opening.floor), 'status', p_opening.status
  ))
$$;

comment on function wallet.refused_amount(text, wallet.request, bigint, wallet.opening) is
  'The refusal of an amount, with what the wallet has: WA003, WA006, WA012 or WA013.';
