-- The register of domain errors: what every SQLSTATE of class WA says, and what to do next.
create or replace function wallet.error_text(
  p_code text
)
returns table (message text, hint text)
language sql
immutable
as $$
  select m.message, m.hint
  from (values
    ('WA001', 'unknown wallet', 'Use the wallet_id that registration or sign-in returned; only its owner can use it.'),
    ('WA002', 'invalid argument', 'Correct the named field and send the request again with the same txn_id.'),
    ('WA003', 'insufficient funds', 'Nothing was written. Top up, or ask for at most what is available, with the same txn_id.'),
    ('WA004', 'txn_id already used for another request', 'Send the original request to get its result, or use a new txn_id.'),
    ('WA005', 'username already taken', 'Choose another username.'),
    ('WA006', 'balance limit exceeded', 'A balance holds at most 9007199254740991 minor units; nothing was written.'),
    ('WA007', 'unsupported isolation level', 'Call it in a READ COMMITTED transaction: the lock must be followed by fresh reads.'),
    ('WA008', 'recorded facts never change', 'The ledger is append-only: correct a transaction by a new one that reverses it.')
  ) as m (code, message, hint)
  where m.code = p_code
$$;

comment on function wallet.error_text(text) is 'The message and the hint of a domain error; no row for a code that is none.';
