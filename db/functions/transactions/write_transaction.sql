-- Three functions write transactions with their entries: this one with all that a transaction can have,
-- write_transactions() many at once, post_plain() one with scalars. A writer that all share would cost a top-up 15 %,
-- so they stand side by side: what changes in one changes in all, and a test holds what they write equal. A system
-- wallet's entry has the transaction's id for its seq and no balance, so that none of its rows is ever locked or
-- changed.
create or replace function wallet.write_transaction(
  p_request wallet.request,
  p_amount bigint,
  p_delta bigint,
  p_wallet wallet.locked_wallet,
  p_recipient wallet.locked_wallet default null
)
returns wallet.transaction_result
language plpgsql
volatile
as $$
declare
  v_id bigint;
  v_seq constant bigint := p_wallet.seq + 1;
  v_balance constant bigint := p_wallet.balance + p_delta;
  v_available constant bigint := wallet.available(v_balance, p_wallet.held, p_wallet.floor);
  v_to_wallet_id constant uuid := p_request.to_wallet_id;
  v_is_here constant boolean := p_recipient.seq is not null;
  v_salt uuid;
  v_details_hash bytea;
  v_recorded_at constant timestamptz :=
    case when p_wallet.newest_at > p_wallet.created_at then p_wallet.newest_at end;
  v_received_at constant timestamptz :=
    case when p_recipient.newest_at > p_wallet.created_at then p_recipient.newest_at end;
  v_hash bytea;
  v_result wallet.transaction_result;
begin
  if p_wallet.has_holds then
    perform wallet.end_due_holds(p_request.wallet_id, p_wallet.created_at);
  end if;
  if p_recipient.has_holds then
    perform wallet.end_due_holds(v_to_wallet_id, p_wallet.created_at);
  end if;
  v_id := nextval('wallet.transaction_ids');
  if num_nonnulls(p_request.reference, p_request.metadata, p_request.effective_at) > 0 then
    v_salt := gen_random_uuid();
    v_details_hash := wallet.details_hash(v_salt, p_request.reference, p_request.metadata, p_request.effective_at);
  end if;
  v_hash := wallet.entry_hash(
    p_wallet.hash, p_request.wallet_id, v_seq, v_id, p_delta, v_balance, p_request.txn_id, p_wallet.created_at,
    p_request.type, v_to_wallet_id, v_details_hash, v_recorded_at
  );
  with recorded as (
    insert into wallet.transactions (id, seq, amount, created_at, wallet_id, txn_id, type, counterparty_id)
    values (
      v_id, v_seq, p_amount, p_wallet.created_at, p_request.wallet_id, p_request.txn_id,
      p_request.type::wallet.transaction_type, v_to_wallet_id
    )
  )
  insert into wallet.ledger (seq, transaction_id, amount, balance_after, wallet_id, hash, recorded_at)
  values
    (v_seq, v_id, p_delta, v_balance, p_request.wallet_id, v_hash, v_recorded_at),
    (
      coalesce(p_recipient.seq + 1, v_id), v_id, -p_delta, p_recipient.balance - p_delta,
      case when v_is_here then v_to_wallet_id else wallet.system_wallet_id(p_wallet.asset, p_request.type) end,
      case when v_is_here then wallet.entry_hash(
        p_recipient.hash, v_to_wallet_id, p_recipient.seq + 1, v_id, -p_delta, p_recipient.balance - p_delta,
        p_request.txn_id, p_wallet.created_at, p_request.type, p_request.wallet_id, v_details_hash, v_received_at
      ) end,
      v_received_at
    );
  if v_salt is not null then
    insert into wallet.transaction_details (transaction_id, reference, metadata, effective_at, salt, hash)
    -- of an erased owner only the hash is stored, as if the details had been erased already
    select v_id, d.reference, d.metadata, d.effective_at, d.salt, v_details_hash
    from (select) as one
    left join (values (p_request.reference, p_request.metadata, p_request.effective_at, v_salt))
      as d (reference, metadata, effective_at, salt) on not p_wallet.is_erased;
  end if;
  if v_available <> v_balance then
    insert into wallet.transaction_available (transaction_id, available)
    values (v_id, v_available);
  end if;
  if p_request.key_id is not null then
    insert into wallet.key_uses (id, key_id) values (v_id, p_request.key_id);
  end if;
  if p_wallet.has_limits then
    perform wallet.count_usage(p_request.wallet_id, p_request.type, p_amount, p_wallet.created_at);
  end if;

  v_result.id := v_id;
  v_result.amount := p_amount;
  v_result.balance := v_balance;
  v_result.available := v_available;
  v_result.created_at := coalesce(v_recorded_at, p_wallet.created_at);
  v_result.receipt := encode(v_hash, 'hex');
  return v_result;
end;
$$;

comment on function wallet.write_transaction(
  wallet.request, bigint, bigint, wallet.locked_wallet, wallet.locked_wallet
) is
  'Writes one transaction with its two entries: p_delta in the request''s wallet, its opposite in the recipient''s or, without one here, in the system wallet of the type.';
