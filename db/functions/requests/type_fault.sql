create or replace function wallet.type_fault(
  p_request wallet.request,
  p_to_username text
)
returns jsonb
language sql
stable
as $$
  select jsonb_build_object('field', f.field, 'reason', f.reason)
  from (values
    ('type', 'must be topup, spend, transfer, hold, capture, void or refund',
      coalesce(p_request.type not in ('bonus', 'topup', 'spend', 'adjustment', 'transfer', 'hold', 'capture', 'void', 'refund'), true)),
    ('to_wallet_id', 'must be given for a transfer, or to_username, not both, and for nothing else',
      num_nonnulls(p_request.to_wallet_id, p_to_username) <> case when p_request.type = 'transfer' then 1 else 0 end),
    ('original_txn_id', 'must be given for a capture, void or refund, and for nothing else',
      (p_request.type in ('capture', 'void', 'refund')) <> (p_request.original_txn_id is not null)),
    ('final', 'must be given for a capture, and for nothing else',
      (p_request.type = 'capture') <> (p_request.final is not null)),
    ('expires_in', 'is for holds only', p_request.type <> 'hold' and p_request.expires_in is not null),
    ('expires_in', 'must be between 1 and 31536000 seconds', p_request.expires_in not between 1 and 31536000),
    ('amount', 'is not for a void, which releases all that is left', p_request.type = 'void' and p_request.amount is not null),
    ('effective_at', 'is for what posts a transaction', p_request.type in ('hold', 'void') and p_request.effective_at is not null),
    ('effective_at', 'must be a moment of the years 1 to 9999',
      p_request.effective_at not between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'),
    ('reference', 'is not for a void', p_request.type = 'void' and num_nonnulls(p_request.reference, p_request.metadata) > 0),
    ('reference', 'must say the reason', p_request.type = 'adjustment' and p_request.reference is null)
  ) as f (field, reason, is_fault)
  where f.is_fault
  limit 1
$$;

comment on function wallet.type_fault(wallet.request, text) is
  'What of the request does not fit its type: {"field", "reason"} for WA002, or null when all does.';
