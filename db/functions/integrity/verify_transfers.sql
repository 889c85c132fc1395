-- Both ways: each row along its key, and what has its other entry in one of the three system wallets, which are read
-- apart from all others. So a ledger without transfers to other databases costs nothing. What the other databases have
-- is compared by `pgwallet cluster verify`.
create or replace function wallet.verify_transfers()
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language sql
stable
as $$
  select 'outbox', o.wallet_id, t.seq, o.transaction_id, format(
    'a row to wallet %s of database %s, %s%s, of a %s to %s%s', o.to_wallet_id, o.destination, o.status,
    ' by ' || o.returned_id, coalesce(t.type::text, 'missing transaction'), coalesce(t.counterparty_id::text, 'nobody'),
    ' and the return ' || r.type || ' of ' || r.amount || ' from ' || r.counterparty_id
  )
  from wallet.outbox o
  cross join wallet.shard s
  left join wallet.transactions t on t.id = o.transaction_id
  left join wallet.transactions r on r.id = o.returned_id
  where (
    t.type = 'transfer' and (t.wallet_id, t.counterparty_id) = (o.wallet_id, o.to_wallet_id)
    and o.destination = wallet.number_of(o.to_wallet_id) and o.destination <> s.number
    and case when o.status = 'returned'
      then r.type = 'returned' and (r.wallet_id, r.counterparty_id, r.amount) = (o.wallet_id, o.to_wallet_id, t.amount)
      else true
    end
  ) is not true
  union all
  select 'inbox', i.to_wallet_id, t.seq, i.transaction_id, format(
    'a row of transaction %s, %s %s from %s, of a %s of %s from %s', i.origin_id, i.amount, i.asset, i.from_wallet_id,
    coalesce(t.type::text, 'missing transaction'), coalesce(t.amount::text, 'nothing'),
    coalesce(t.counterparty_id::text, 'nobody')
  )
  from wallet.inbox i
  cross join wallet.shard s
  left join wallet.transactions t on t.id = i.transaction_id
  left join wallet.wallets w on w.id = t.wallet_id
  where (
    i.origin_id >> 40 = wallet.number_of(i.from_wallet_id) and i.origin_id >> 40 <> s.number
    and case when i.transaction_id is not null
      then t.type = 'received'
        and (t.wallet_id, t.counterparty_id, t.amount, w.asset) = (i.to_wallet_id, i.from_wallet_id, i.amount, i.asset)
      else true
    end
  ) is not true
  union all
  select case p.purpose when 'received' then 'inbox' else 'outbox' end, t.wallet_id, t.seq, l.transaction_id,
    format('a transaction in the system wallet %s without a row', p.purpose)
  from unnest(array['transfer', 'received', 'returned']) as p (purpose)
  cross join wallet.assets a
  join wallet.ledger l on l.wallet_id = wallet.system_wallet_id(a.code, p.purpose)
  left join wallet.transactions t on t.id = l.transaction_id
  where not case p.purpose
    when 'transfer' then exists (select from wallet.outbox o where o.transaction_id = l.transaction_id)
    when 'returned' then exists (select from wallet.outbox o where o.returned_id = l.transaction_id)
    else exists (select from wallet.inbox i where i.transaction_id = l.transaction_id)
  end
$$;

comment on function wallet.verify_transfers() is
  'Transfers between databases that transactions and the rows of outbox and inbox do not agree on: outbox and inbox of wallet_verify().';
