create or replace function wallet.refundable(
  p_wallet_id uuid,
  p_original_txn_id uuid,
  p_amount bigint
)
returns table (original_id bigint, amount bigint, code text, detail jsonb)
language plpgsql
stable
as $$
#variable_conflict use_column
declare
  v_original wallet.transactions;
  v_left bigint;
begin
  select t.* into v_original
  from wallet.transactions t
  where t.wallet_id = p_wallet_id and t.txn_id = p_original_txn_id;
  if not found then
    code := 'WA028';
    detail := jsonb_build_object('field', 'original_txn_id', 'txn_id', p_original_txn_id);
  elsif v_original.type not in ('spend', 'capture') then
    code := 'WA021';
    detail := jsonb_build_object('field', 'original_txn_id', 'type', v_original.type);
  else
    select v_original.amount - coalesce(sum(t.amount), 0) into v_left
    from wallet.refunds r
    join wallet.transactions t on t.id = r.transaction_id
    where r.original_id = v_original.id;
    original_id := v_original.id;
    amount := coalesce(p_amount, v_left);
    if amount > v_left or v_left = 0 then
      code := 'WA020';
      detail := jsonb_build_object('field', 'amount', 'requested', amount, 'left', v_left);
    end if;
  end if;
  return next;
end;
$$;

comment on function wallet.refundable(uuid, uuid, bigint) is
$$ What a refund gives back, under the wallet's lock: the id of the original and the amount, all that is left of it
without one; or the code and detail of the refusal: WA020, WA021, WA028. $$;
