create or replace function wallet.statement_bounds(
  p_wallet_id uuid,
  p_from timestamptz,
  p_to timestamptz
)
returns table (low bigint, opening bigint, high bigint, closing bigint)
language plpgsql
volatile
as $$
begin
  perform wallet.require_past('from', p_from);
  perform wallet.require_past('to', p_to);
  if p_from > p_to then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'from', 'reason', 'must not be after to'));
  end if;

  perform wallet.await_wallet(p_wallet_id, p_to);

  low := wallet.entries_before(p_wallet_id, p_from);
  opening := wallet.balance_after(p_wallet_id, low);
  high := wallet.entries_before(p_wallet_id, p_to);
  closing := wallet.balance_after(p_wallet_id, high);
  return next;
end;
$$;

comment on function wallet.statement_bounds(uuid, timestamptz, timestamptz) is
  'The last entries of a user wallet before p_from and before p_to, with the balances after them, once they are final. Errors: WA002, WA007, WA023, WA036.';
