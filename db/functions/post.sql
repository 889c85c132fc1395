-- Moves money between a user wallet and the system wallet of the transaction's type: the core of every such mutation.
-- The order of its steps is the guarantee. The lock is a statement of its own: under READ COMMITTED the statements
-- after it see all that earlier holders of the lock have committed.
create or replace function wallet.post(
  p_type wallet.transaction_type,
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
declare
  v_delta bigint;
  v_fault jsonb;
  v_asset text;
  v_scale smallint;
  v_seq bigint;
  v_balance bigint;
  v_created_at timestamptz;
  v_id bigint;
  v_code text;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform wallet.require_read_committed();
  end if;
  v_fault := wallet.request_fault(p_wallet_id, p_txn_id, p_amount, p_reference, p_metadata, p_actor);
  if v_fault is not null then
    return wallet.refused('WA002', v_fault);
  end if;
  v_delta := case p_type when 'spend' then -p_amount else p_amount end;

  select a.code, a.scale into v_asset, v_scale
  from wallet.wallets w
  join wallet.assets a on a.code = w.asset
  where w.id = p_wallet_id and w.kind = 'user' and (p_actor is null or w.owner_id = p_actor)
  for update of w;
  if not found then
    return wallet.refused('WA001', jsonb_build_object('wallet_id', p_wallet_id));
  end if;

  -- all that is read to decide, in one statement: what a statement costs here is its set-up
  select e.id, coalesce(n.seq, 0), coalesce(n.balance_after, 0), n.created_at into v_id, v_seq, v_balance, v_created_at
  from (select) as one
  left join wallet.transactions e on e.wallet_id = p_wallet_id and e.txn_id = p_txn_id
  left join lateral wallet.newest_entry(p_wallet_id) n on true;
  if v_id is not null then
    return wallet.replay(v_id, v_asset, v_scale, p_type, p_amount, p_reference, p_metadata);
  end if;
  v_code := wallet.refusal(v_delta, v_balance, v_balance);
  if v_code is not null then
    return wallet.refused(v_code, jsonb_build_object(
      'field', 'amount', 'wallet_id', p_wallet_id, 'requested', p_amount, 'balance', v_balance, 'available', v_balance
    ));
  end if;

  v_id := nextval('wallet.transaction_ids');
  v_seq := v_seq + 1;
  v_balance := v_balance + v_delta;
  v_created_at := greatest(clock_timestamp(), v_created_at);
  with recorded as (
    insert into wallet.transactions (id, seq, amount, created_at, wallet_id, txn_id, type)
    values (v_id, v_seq, p_amount, v_created_at, p_wallet_id, p_txn_id, p_type)
  )
  insert into wallet.ledger (seq, transaction_id, amount, balance_after, wallet_id)
  values
    (v_seq, v_id, v_delta, v_balance, p_wallet_id),
    (v_id, v_id, -v_delta, null, wallet.system_wallet_id(v_asset, p_type::text));
  if p_reference is not null or p_metadata is not null then
    insert into wallet.transaction_details (transaction_id, reference, metadata)
    values (v_id, p_reference, p_metadata);
  end if;

  return row(null, null, row(
    v_id, p_txn_id, p_wallet_id, p_type::text, p_amount, v_asset, v_scale, v_balance, v_balance, false, v_created_at
  )::wallet.transaction_result)::wallet.outcome;
end;
$$;

comment on function wallet.post(wallet.transaction_type, uuid, uuid, bigint, text, jsonb, uuid) is
  'Validates, locks the wallet, replays or refuses or writes one transaction with its two entries. Refusals are returned, not raised.';
