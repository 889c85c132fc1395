-- What a superuser can do who knows how everything is computed: change what is on record, then make all else fit it.
create schema attack;

create function attack.transaction_of(p_wallet_id uuid, p_seq bigint) returns bigint
language sql
as $$ select l.transaction_id from wallet.ledger l where l.wallet_id = p_wallet_id and l.seq = p_seq $$;

-- seq, balances and hashes of a wallet, from its amounts and the order of its seqs
create function attack.rewrite(p_wallet_id uuid) returns void
language plpgsql
as $$
declare
  v_entry record;
  v_hash bytea;
  v_seq bigint := 0;
  v_balance bigint := 0;
begin
  for v_entry in
    select l.seq, l.transaction_id, l.amount, l.recorded_at, t.txn_id, t.created_at, t.type, d.hash as details_hash,
      t.wallet_id = l.wallet_id as is_own,
      case when t.wallet_id = l.wallet_id then t.counterparty_id else t.wallet_id end as other_wallet_id
    from wallet.ledger l
    join wallet.transactions t on t.id = l.transaction_id
    left join wallet.transaction_details d on d.transaction_id = t.id
    where l.wallet_id = p_wallet_id
    order by l.seq
  loop
    v_seq := v_seq + 1;
    v_balance := v_balance + v_entry.amount;
    v_hash := wallet.entry_hash(
      v_hash, p_wallet_id, v_seq, v_entry.transaction_id, v_entry.amount, v_balance, v_entry.txn_id, v_entry.created_at,
      v_entry.type::text, v_entry.other_wallet_id, v_entry.details_hash, v_entry.recorded_at
    );
    update wallet.ledger l
    set seq = v_seq, balance_after = v_balance, hash = v_hash
    where l.wallet_id = p_wallet_id and l.seq = v_entry.seq;
    if v_entry.is_own then
      update wallet.transactions t set seq = v_seq where t.id = v_entry.transaction_id;
    end if;
  end loop;
end;
$$;

create function attack.remove(p_wallet_id uuid, p_seq bigint) returns void
language plpgsql
as $$
declare
  v_id constant bigint := attack.transaction_of(p_wallet_id, p_seq);
begin
  delete from wallet.ledger where transaction_id = v_id;
  delete from wallet.transaction_details where transaction_id = v_id;
  delete from wallet.transactions where id = v_id;
  perform attack.rewrite(p_wallet_id);
end;
$$;

create function attack.change_amount(p_wallet_id uuid, p_seq bigint, p_amount bigint) returns void
language plpgsql
as $$
declare
  v_id constant bigint := attack.transaction_of(p_wallet_id, p_seq);
begin
  update wallet.ledger set amount = sign(amount) * p_amount where transaction_id = v_id;
  update wallet.transactions set amount = p_amount where id = v_id;
  perform attack.rewrite(p_wallet_id);
end;
$$;

create function attack.insert_before(p_wallet_id uuid, p_seq bigint) returns void
language plpgsql
as $$
declare
  v_id constant bigint := nextval('wallet.transaction_ids');
begin
  update wallet.ledger set seq = seq + 1000 where wallet_id = p_wallet_id and seq >= p_seq;
  insert into wallet.transactions (id, seq, amount, created_at, wallet_id, txn_id, type)
  select v_id, p_seq, 5, t.created_at, p_wallet_id, gen_random_uuid(), 'topup'
  from wallet.transactions t
  where t.wallet_id = p_wallet_id and t.seq = p_seq;
  insert into wallet.ledger (seq, transaction_id, amount, balance_after, wallet_id, hash)
  values (p_seq, v_id, 5, 0, p_wallet_id, ''), (v_id, v_id, -5, null, wallet.system_wallet_id('UC', 'topup'), null);
  perform attack.rewrite(p_wallet_id);
end;
$$;

create function attack.swap(p_wallet_id uuid, p_seq bigint) returns void
language plpgsql
as $$
declare
  v_first constant bigint := attack.transaction_of(p_wallet_id, p_seq);
  v_second constant bigint := attack.transaction_of(p_wallet_id, p_seq + 1);
  v_at constant timestamptz := (select t.created_at from wallet.transactions t where t.id = v_first);
begin
  update wallet.transactions set created_at = v_at where id in (v_first, v_second);
  update wallet.ledger set seq = -1 where wallet_id = p_wallet_id and seq = p_seq;
  update wallet.ledger set seq = p_seq where wallet_id = p_wallet_id and seq = p_seq + 1;
  update wallet.ledger set seq = p_seq + 1 where wallet_id = p_wallet_id and seq = -1;
  perform attack.rewrite(p_wallet_id);
end;
$$;

create function attack.change_reference(p_wallet_id uuid, p_seq bigint) returns void
language plpgsql
as $$
begin
  update wallet.transaction_details d
  set reference = 'another', hash = wallet.details_hash(d.salt, 'another', d.metadata, d.effective_at)
  where d.transaction_id = attack.transaction_of(p_wallet_id, p_seq);
  perform attack.rewrite(p_wallet_id);
end;
$$;

create function attack.remove_wallet(p_wallet_id uuid) returns void
language plpgsql
as $$
declare
  v_ids constant bigint[] := array(select t.id from wallet.transactions t where t.wallet_id = p_wallet_id);
begin
  delete from wallet.ledger where transaction_id = any (v_ids);
  delete from wallet.transaction_details where transaction_id = any (v_ids);
  delete from wallet.transactions where id = any (v_ids);
  delete from wallet.wallets where id = p_wallet_id;
end;
$$;

-- a top-up as it is written when the clock says p_at
create function attack.topup_at(p_wallet_id uuid, p_at timestamptz) returns void
language plpgsql
as $$
declare
  v_wallet wallet.locked_wallet := wallet.lock_wallet(p_wallet_id, null, null);
begin
  v_wallet.created_at := p_at;
  perform wallet.write_transaction(
    row('topup', p_wallet_id, gen_random_uuid(), 1, null, null, null, null, null, null, null, null, null)::wallet.request,
    1, 1, v_wallet
  );
end;
$$;

-- a spend that looks at nothing
create function attack.spend_anyway(p_wallet_id uuid, p_amount bigint) returns void
language plpgsql
as $$
begin
  perform wallet.write_transaction(
    row('spend', p_wallet_id, gen_random_uuid(), p_amount, null, null, null, null, null, null, null, null, null)::wallet.request,
    p_amount, -p_amount, wallet.lock_wallet(p_wallet_id, null, null)
  );
end;
$$;
