create or replace function wallet.refused_change(
  p_code text,
  p_request wallet.request,
  p_amount bigint,
  p_wallet wallet.locked_wallet
)
returns wallet.outcome
language sql
immutable
as $$
  select wallet.refused_outcome(p_code, jsonb_build_object(
    'field', 'amount', 'wallet_id', p_request.wallet_id, 'requested', p_amount, 'balance', p_wallet.balance,
    'available', wallet.available(p_wallet.balance, p_wallet.held, p_wallet.floor), 'status', p_wallet.status
  ) || case p_code
    when 'WA006' then jsonb_build_object('maximum', coalesce(p_wallet.max_balance, wallet.max_amount()))
    else '{}'
  end)
$$;

comment on function wallet.refused_change(text, wallet.request, bigint, wallet.locked_wallet) is
  'The refusal of an amount, with what the wallet has: WA003, WA006, WA012 or WA013.';
