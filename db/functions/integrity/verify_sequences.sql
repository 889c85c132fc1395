create or replace function wallet.verify_sequences()
returns table (violation text, wallet_id uuid, seq bigint, transaction_id bigint, detail text)
language sql
stable
as $$
  select 'sequence_behind', null::uuid, null::bigint, null::bigint,
    format('%s is at %s, and %s is stored: writes are refused; run `pgwallet migrate`', b.sequence, b.reached, b.stored)
  from wallet.sequences_behind() b
$$;

comment on function wallet.verify_sequences() is 'Sequences that would give out what is stored: sequence_behind of wallet_verify().';
