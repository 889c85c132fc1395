create or replace function public.wallet_propose(
  p_type text,
  p_wallet_id uuid,
  p_txn_id uuid,
  p_original_txn_id uuid,
  p_amount bigint,
  p_reference text,
  p_metadata jsonb,
  p_effective_at timestamptz,
  p_four_eyes bigint,
  p_actor uuid default null
)
returns setof wallet.described_confirmation
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_request wallet.request;
  v_fault jsonb;
  v_wallet wallet.locked_wallet;
  v_confirmation wallet.confirmations;
  v_field text;
  v_refund record;
  v_expected bigint := case
    when p_type = 'refund' then coalesce(p_amount, 1)
    when p_amount >= -wallet.max_amount() then abs(p_amount)
    else p_amount
  end;
begin
  perform wallet.require_read_committed();
  -- a request on record is answered as a replay, also to an operator of before: the call itself judges that
  if exists (select from wallet.transactions t where t.wallet_id = p_wallet_id and t.txn_id = p_txn_id) then
    return;
  end if;
  perform wallet.require_operator(p_actor);
  v_request.type := p_type;
  v_request.original_txn_id := p_original_txn_id;
  v_request.reference := p_reference;
  v_request.effective_at := p_effective_at;
  v_fault := case
    when p_actor is null then jsonb_build_object('field', 'actor', 'reason', 'must name the operator who asks')
    when p_type is null or p_type not in ('adjustment', 'refund')
      then jsonb_build_object('field', 'type', 'reason', 'must be adjustment or refund')
    when p_four_eyes is null or p_four_eyes < 0
      then jsonb_build_object('field', 'four_eyes', 'reason', 'must be 0 minor units or more')
    else coalesce(
      wallet.request_fault(p_wallet_id, p_txn_id, v_expected, p_reference, p_metadata, p_actor),
      wallet.type_fault(v_request, null)
    )
  end;
  if v_fault is not null then
    perform wallet.raise_error('WA002', v_fault);
  end if;

  v_wallet := wallet.lock_wallet(p_wallet_id, p_txn_id, null);
  if v_wallet.asset is null then
    perform wallet.raise_error('WA001', jsonb_build_object('wallet_id', p_wallet_id));
  elsif num_nonnulls(v_wallet.earlier_id, v_wallet.earlier_event) > 0 then
    return;
  end if;
  perform wallet.require_another((select w.owner_id from wallet.wallets w where w.id = p_wallet_id), p_actor);

  select c.* into v_confirmation
  from wallet.confirmations c
  where c.wallet_id = p_wallet_id and c.txn_id = p_txn_id;
  if found then
    v_field := case
      when v_confirmation.type <> p_type then 'type'
      when v_confirmation.amount is distinct from p_amount then 'amount'
      when v_confirmation.original_txn_id is distinct from p_original_txn_id then 'original_txn_id'
      -- what was erased cannot be compared
      when v_wallet.is_erased then null
      when v_confirmation.reference is distinct from p_reference then 'reference'
      when v_confirmation.metadata is distinct from p_metadata then 'metadata'
      when v_confirmation.effective_at is distinct from p_effective_at then 'effective_at'
    end;
    if v_field is not null then
      perform wallet.raise_error('WA004', jsonb_build_object('field', v_field, 'txn_id', p_txn_id));
    elsif v_confirmation.status = 'rejected' then
      -- whoever takes it for the confirmation would wait for ever
      perform wallet.raise_error(
        'WA040', jsonb_build_object('id', v_confirmation.id, 'decision', v_confirmation.status)
      );
    end if;
    return next wallet.described_confirmation(v_confirmation);
    return;
  end if;

  if p_effective_at > v_wallet.created_at then
    perform wallet.raise_error('WA023', jsonb_build_object('field', 'effective_at', 'now', v_wallet.created_at));
  end if;
  if p_type = 'refund' then
    -- refused here and not only by the call: what it would give back, if the original came meanwhile, nobody has judged
    select r.* into v_refund
    from wallet.refundable(p_wallet_id, p_original_txn_id, p_amount) r;
    if v_refund.code is not null then
      if v_refund.detail ? 'left' then
        v_refund.detail := v_refund.detail || jsonb_build_object('asset', v_wallet.asset, 'scale', v_wallet.scale);
      end if;
      perform wallet.raise_error(v_refund.code, v_refund.detail);
    end if;
    v_expected := v_refund.amount;
  end if;
  if v_expected <= p_four_eyes then
    return;
  end if;

  insert into wallet.confirmations (
    type, wallet_id, txn_id, original_txn_id, amount, expected, reference, metadata, effective_at, actor, created_at
  )
  select p_type, p_wallet_id, p_txn_id, p_original_txn_id, p_amount, v_expected,
    case when not v_wallet.is_erased then p_reference when p_type = 'adjustment' then 'erased' end,
    case when not v_wallet.is_erased then p_metadata end, case when not v_wallet.is_erased then p_effective_at end,
    p_actor, v_wallet.created_at
  returning * into v_confirmation;
  perform wallet.record_action(
    p_actor, 'propose', null, p_wallet_id,
    p_detail => jsonb_build_object(
      'confirmation_id', v_confirmation.id, 'type', p_type, 'amount', coalesce(p_amount, v_expected),
      'asset', v_wallet.asset, 'scale', v_wallet.scale
    )
  );
  return next wallet.described_confirmation(v_confirmation);
end;
$$;

comment on function public.wallet_propose(text, uuid, uuid, uuid, bigint, text, jsonb, timestamptz, bigint, uuid) is
$$ Operators: asks for the confirmation that an adjustment or refund needs above an amount. Returns the confirmation
that waits; or no row where none is needed or the txn_id is on record: then wallet_adjust() or wallet_give_back() goes
on. Nothing moves, and nothing is set aside. The same request again returns the same confirmation, until it is decided.

p_type      adjustment or refund; the other arguments up to p_effective_at are those of wallet_adjust(), whose reason is
            p_reference, and wallet_give_back()
p_four_eyes minor units, 0 or more: what is above waits. A refund without an amount counts as what is left
p_actor     the operator who asks; never null

Errors: WA001 unknown wallet; WA002 invalid argument; WA004 txn_id used for another request; WA020, WA021, WA028 of a
refund; WA023 effective_at in the future; WA027 operators only; WA038 the operator's own wallet; WA040 rejected
before. $$;
