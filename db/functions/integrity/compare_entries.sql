-- System entries have their transaction's id for their seq: those of a range of ids meet its transactions in one hash,
-- and nothing is looked up. What does not fit only tells where to look: too much is harmless, too little is not.
create or replace function wallet.compare_entries(
  p_from bigint,
  p_upto bigint,
  p_seed bigint,
  p_system_ids uuid[]
)
returns table (
  transactions bigint, entries bigint, sent numeric, suspects bigint[], odd_wallet_ids uuid[], odd_seqs bigint[]
)
language sql
stable
set work_mem = '16MB'
as $$
  select count(m.id), count(m.seq),
    sum(hashint8extended(m.id, p_seed)) filter (where m.type = 'transfer' and m.seq is null),
    array_agg(m.id) filter (where m.id is not null and m.fits is not true),
    array_agg(m.wallet_id) filter (where m.seq is not null and m.fits is not true),
    array_agg(m.seq) filter (where m.seq is not null and m.fits is not true)
  from (
    select t.id, t.type, o.wallet_id, o.seq, case
      when t.type = 'transfer' and o.seq is null then t.counterparty_id is not null and t.asset is not null
      else (t.type in ('transfer', 'received', 'returned')) = (t.counterparty_id is not null)
        and o.asset = t.asset and o.purpose = t.type::text
        and o.amount = case
          when t.type in ('spend', 'transfer', 'capture') then t.amount
          when t.amount > 0 then -t.amount
        end
        and o.transaction_id = o.seq and num_nonnulls(o.balance_after, o.hash, o.recorded_at) = 0
    end as fits
    from (
      select t.id, t.type, t.amount, t.counterparty_id, w.asset
      from wallet.transactions t
      left join wallet.wallets w on w.id = t.wallet_id and w.kind = 'user'
      where t.id between p_from and p_upto
    ) t
    full join (
      select l.wallet_id, l.seq, l.transaction_id, l.amount, l.balance_after, l.hash, l.recorded_at, w.asset, w.purpose
      from (
        select w.id, w.asset, case when w.id = wallet.system_wallet_id(w.asset, w.purpose) then w.purpose end as purpose
        from unnest(p_system_ids) as i (id)
        join wallet.wallets w on w.id = i.id
        -- a fence: once for each wallet
        offset 0
      ) w
      join wallet.ledger l on l.wallet_id = w.id and l.seq between p_from and p_upto
    ) o on o.seq = t.id
  ) m
$$;

comment on function wallet.compare_entries(bigint, bigint, bigint, uuid[]) is
  'Compares the transactions of these ids with the entries that system wallets have of them: how many there are, what was sent to other wallets as a sum of hashes, and what does not fit.';
