-- The short way for what wallets do most: a top-up or spend that nothing can refuse but the balance. Anything else
-- returns null, with nothing written, and goes the long way, through wallet.execute(), which knows every rule. The
-- steps, their order and what is written are the same; one function with scalars saves the layers of the long way.
create or replace function wallet.post_plain(
  p_type text,
  p_wallet_id uuid,
  p_txn_id uuid,
  p_amount bigint,
  p_reference text,
  p_metadata jsonb,
  p_actor uuid,
  p_key_id uuid
)
returns wallet.transaction_result
language plpgsql
volatile
as $$
declare
  v_delta bigint;
  v_is_plain boolean;
  v_earlier_id bigint;
  v_seq bigint;
  v_balance bigint;
  v_previous bytea;
  v_created_at timestamptz;
  v_recorded_at timestamptz;
  v_id bigint;
  v_salt uuid;
  v_details_hash bytea;
  v_hash bytea;
  v_result wallet.transaction_result;
begin
  -- cheap tests first; request_fault() runs only if one fails, because setting it up costs every call
  if (
    p_amount between 1 and wallet.max_amount() and p_txn_id is not null and p_actor is not null
    and num_nonnulls(p_reference, p_metadata) = 0 and current_setting('transaction_isolation') = 'read committed'
    and wallet.is_believed()
  ) is not true then
    if current_setting('transaction_isolation') <> 'read committed'
      or wallet.request_fault(p_wallet_id, p_txn_id, p_amount, p_reference, p_metadata, p_actor) is not null
    then
      return null;
    end if;
  end if;

  select a.code, a.scale, w.is_plain
  into v_result.asset, v_result.scale, v_is_plain
  from wallet.wallets w
  join wallet.assets a on a.code = w.asset
  where w.id = p_wallet_id and wallet.is_visible(w, p_actor)
  for update of w;
  if v_is_plain is not true then
    return null;
  end if;

  v_delta := case p_type when 'spend' then -p_amount else p_amount end;
  select e.id, coalesce(n.seq, 0), coalesce(n.balance_after, 0), n.hash, c.now,
    case when n.recorded_at > c.now then n.recorded_at end
  into v_earlier_id, v_seq, v_balance, v_previous, v_created_at, v_recorded_at
  from (select clock_timestamp() as now) as c
  left join wallet.transactions e on e.wallet_id = p_wallet_id and e.txn_id = p_txn_id
  left join lateral wallet.newest_entry(p_wallet_id) n on true;
  if v_earlier_id is not null or wallet.check_change(v_delta, v_balance, v_balance, 'active', null) is not null then
    return null;
  end if;

  v_id := nextval('wallet.transaction_ids');
  v_seq := v_seq + 1;
  v_balance := v_balance + v_delta;
  if num_nonnulls(p_reference, p_metadata) > 0 then
    v_salt := gen_random_uuid();
    v_details_hash := wallet.details_hash(v_salt, p_reference, p_metadata, null);
  end if;
  v_hash := wallet.entry_hash(
    v_previous, p_wallet_id, v_seq, v_id, v_delta, v_balance, p_txn_id, v_created_at, p_type, null, v_details_hash,
    v_recorded_at
  );
  with recorded as (
    insert into wallet.transactions (id, seq, amount, created_at, wallet_id, txn_id, type)
    values (v_id, v_seq, p_amount, v_created_at, p_wallet_id, p_txn_id, p_type::wallet.transaction_type)
  )
  insert into wallet.ledger (seq, transaction_id, amount, balance_after, wallet_id, hash, recorded_at)
  values
    (v_seq, v_id, v_delta, v_balance, p_wallet_id, v_hash, v_recorded_at),
    (v_id, v_id, -v_delta, null, wallet.system_wallet_id(v_result.asset, p_type), null, null);
  if v_salt is not null then
    insert into wallet.transaction_details (transaction_id, reference, metadata, salt, hash)
    values (v_id, p_reference, p_metadata, v_salt, v_details_hash);
  end if;
  if p_key_id is not null then
    insert into wallet.key_uses (id, key_id) values (v_id, p_key_id);
  end if;

  v_result.id := v_id;
  v_result.txn_id := p_txn_id;
  v_result.wallet_id := p_wallet_id;
  v_result.type := p_type;
  v_result.amount := p_amount;
  v_result.balance := v_balance;
  v_result.available := v_balance;
  v_result.replayed := false;
  v_result.created_at := coalesce(v_recorded_at, v_created_at);
  v_result.receipt := encode(v_hash, 'hex');
  return v_result;
end;
$$;

comment on function wallet.post_plain(text, uuid, uuid, bigint, text, jsonb, uuid, uuid) is
  'Writes a topup or spend in a plain wallet as wallet.execute() would; null where it may be refused or is a replay.';
