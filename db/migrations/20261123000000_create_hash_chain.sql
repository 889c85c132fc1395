-- migrate:up
set local role wallet_owner;

alter type wallet.transaction_result add attribute receipt text;
alter type wallet.opening add attribute hash bytea;

alter table wallet.transaction_details
  add column salt uuid,
  add column hash bytea;

update wallet.transaction_details set salt = gen_random_uuid();
update wallet.transaction_details set hash = sha256(
  uuid_send(salt) || convert_to(jsonb_build_array(reference, metadata, extract(epoch from effective_at))::text, 'UTF8')
);

alter table wallet.transaction_details
  alter column hash set not null,
  drop constraint transaction_details_given,
  add constraint transaction_details_given check ((num_nonnulls(reference, metadata, effective_at) > 0) = (salt is not null));

comment on column wallet.transaction_details.salt is 'Keeps the hash from telling what was erased: it is erased too.';
comment on column wallet.transaction_details.hash is 'What the chain has of the details; it stays when they are erased.';

-- What is on record is chained into a new table: updated in place, the old one would be left twice as large.
create function wallet.chain_step(p_hash bytea, p_entry bytea) returns bytea
language plpgsql immutable as 'begin return sha256(p_hash || p_entry); end';
create aggregate wallet.chain (bytea) (
  sfunc = wallet.chain_step, stype = bytea,
  initcond = '\x0000000000000000000000000000000000000000000000000000000000000000'
);

create table wallet.chained (like wallet.ledger including all, hash bytea);

insert into wallet.chained (seq, transaction_id, amount, balance_after, wallet_id, hash)
select l.seq, l.transaction_id, l.amount, l.balance_after, l.wallet_id,
  wallet.chain(
    uuid_send(l.wallet_id) || int8send(l.seq) || int8send(l.transaction_id) || int8send(l.amount) || int8send(l.balance_after)
    || uuid_send(t.txn_id) || timestamptz_send(t.created_at) || textsend(t.type::text)
    || coalesce(uuid_send(case when l.wallet_id = t.wallet_id then t.counterparty_id else t.wallet_id end), '')
    || coalesce(d.hash, '')
  ) over (partition by l.wallet_id order by l.seq)
from wallet.ledger l
join wallet.transactions t on t.id = l.transaction_id
left join wallet.transaction_details d on d.transaction_id = l.transaction_id
where l.balance_after is not null
order by l.wallet_id, l.seq;

insert into wallet.chained (seq, transaction_id, amount, wallet_id)
select l.seq, l.transaction_id, l.amount, l.wallet_id
from wallet.ledger l
where l.balance_after is null
order by l.wallet_id, l.seq;

drop aggregate wallet.chain (bytea);
drop function wallet.chain_step(bytea, bytea);

-- a later deploy creates the triggers of a table that has none
drop table wallet.ledger;
alter table wallet.chained rename to ledger;
alter index wallet.chained_pkey rename to ledger_pkey;
alter table wallet.ledger add constraint ledger_hash_given check ((hash is null) = (balance_after is null));

comment on table wallet.ledger is
  'Double entry, append-only: every transaction has exactly two entries that net to zero. The balance of a wallet is the sum of its amounts.';
comment on column wallet.ledger.hash is
  'User wallets: sha256 over the hash of the entry before and what is on record of this one, see wallet.entry_hash. System wallets: null.';

-- migrate:down
drop trigger if exists erased_only on wallet.transaction_details;
drop trigger if exists kept on wallet.transaction_details;
delete from wallet.transaction_details where num_nonnulls(reference, metadata, effective_at) = 0;
alter table wallet.transaction_details
  drop constraint transaction_details_given,
  drop column salt,
  drop column hash,
  add constraint transaction_details_given check (num_nonnulls(reference, metadata, effective_at) > 0);
alter table wallet.ledger
  drop constraint ledger_hash_given,
  drop column hash;
alter type wallet.opening drop attribute hash;
alter type wallet.transaction_result drop attribute receipt;
