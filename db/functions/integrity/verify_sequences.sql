create or replace function wallet.verify_sequences()
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language sql
stable
as $$
  select 'sequence_behind', null::uuid, null::bigint, null::bigint,
    format(
      '%s is at %s, and %s is stored or where this database''s numbers begin: run `pgwallet migrate`', b.sequence, b.reached, b.due
    )
  from wallet.sequences_behind() b
$$;

comment on function wallet.verify_sequences() is 'Sequences that would give out what is stored, or what is another database''s: sequence_behind of wallet_verify().';
