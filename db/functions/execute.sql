create or replace function wallet.execute(
  p_type text,
  p_wallet_id uuid,
  p_txn_id uuid,
  p_amount bigint,
  p_reference text,
  p_metadata jsonb,
  p_actor uuid
)
returns wallet.outcome
language plpgsql
volatile
as $$
begin
  return case
    when p_type in ('topup', 'spend') then
      wallet.post(p_type::wallet.transaction_type, p_wallet_id, p_txn_id, p_amount, p_reference, p_metadata, p_actor)
    else wallet.refused('WA002', jsonb_build_object('field', 'type', 'reason', 'must be topup or spend', 'type', p_type))
  end;
end;
$$;

comment on function wallet.execute(text, uuid, uuid, bigint, text, jsonb, uuid) is
  'One request of a batch, by its type, exactly as the single call would treat it; refusals are returned.';
