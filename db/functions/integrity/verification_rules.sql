create or replace function wallet.verification_rules()
returns text[]
language sql
immutable
as $$
  select array[
    'ledger', 'holds', 'refunds', 'wallets', 'usage', 'erasures', 'transfers', 'keys', 'sequences', 'cluster',
    'oddities'
  ]
$$;

comment on function wallet.verification_rules() is 'What wallet_verify() judges, in order: the function of each is wallet.verify_ and its name.';
