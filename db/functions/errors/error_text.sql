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
    ('WA001', 'unknown wallet', 'Use a wallet of this user: the one that sign-up returned, or one opened in this asset.'),
    ('WA002', 'invalid argument', 'Correct the named field and send the request again with the same txn_id.'),
    ('WA003', 'insufficient funds', 'Nothing was written. Top up, or ask for at most what is available, with the same txn_id.'),
    ('WA004', 'txn_id already used for another request', 'Send the original request to get its result, or use a new txn_id.'),
    ('WA005', 'username already taken', 'Choose another username.'),
    ('WA006', 'balance limit exceeded', 'A balance holds at most the wallet''s maximum, or 9007199254740991 minor units; nothing was written.'),
    ('WA007', 'unsupported isolation level', 'Call it in a READ COMMITTED transaction: the lock must be followed by fresh reads.'),
    ('WA008', 'recorded facts never change', 'The ledger is append-only: correct a transaction by a new one that reverses it.'),
    ('WA009', 'unknown recipient', 'Check the recipient; it must have a wallet in the asset of the transfer.'),
    ('WA010', 'sender and recipient are the same wallet', 'Name another wallet as the recipient.'),
    ('WA011', 'the recipient''s wallet holds another asset', 'Send from a wallet of that asset, or to one of this asset.'),
    ('WA012', 'wallet frozen', 'It can receive, but nothing can leave it until an operator activates it.'),
    ('WA013', 'wallet closed', 'Nothing can enter or leave it until an operator activates it.'),
    ('WA014', 'limit exceeded', 'Ask for at most what is left of the named limit, or wait until its window has moved on.'),
    ('WA015', 'hold not found', 'Use the txn_id with which the hold was made, in the same wallet.'),
    ('WA016', 'hold already captured', 'Nothing is left of it: make a new hold.'),
    ('WA017', 'hold voided', 'What it set aside is free again: make a new hold.'),
    ('WA018', 'hold expired', 'What it set aside is free again: make a new hold.'),
    ('WA019', 'capture above the hold', 'Capture at most what is left of the hold.'),
    ('WA020', 'refund above what is left', 'Refund at most what the original took and earlier refunds did not give back.'),
    ('WA021', 'transaction not refundable', 'Only a spend or capture can be refunded; send a transfer back instead.'),
    ('WA022', 'wallet not empty', 'Bring the balance to zero, void open holds and wait for what is in transit before closing it.'),
    ('WA023', 'time in the future', 'Give a moment that has passed.'),
    ('WA024', 'invalid cursor', 'Use the cursor that the page before returned, or none for the first page.'),
    ('WA025', 'too many open holds', 'Capture or void some of the wallet''s open holds first.'),
    ('WA026', 'unknown asset', 'Use the code of an asset that exists.'),
    ('WA027', 'operators only', 'Ask an operator.'),
    ('WA028', 'unknown transaction', 'Use the txn_id of a transaction of this wallet.'),
    ('WA029', 'unknown user', 'Use the id of a user who exists, and whom you may act for.'),
    ('WA030', 'user already erased', 'Nothing is left to erase.'),
    ('WA033', 'too many failed sign-ins', 'Try again after retry_after seconds, or from where you signed in before.'),
    ('WA034', 'wrong current password', 'Give the password that you sign in with now.'),
    ('WA035', 'administrators only', 'Log in to PostgreSQL as a member of wallet_owner: granting EXECUTE is not enough.'),
    ('WA036', 'not final yet', 'A transaction that began before this moment is not finished: ask again, or for an earlier moment.'),
    ('WA037', 'password reset token not valid', 'It is unknown, used, replaced by a newer one, or expired: ask an operator for another.'),
    ('WA038', 'left to another operator', 'Operators change nothing of their own and confirm no request of their own: ask another operator, or an administrator.'),
    ('WA039', 'unknown confirmation', 'Use the id of a confirmation in the operators'' list.'),
    ('WA040', 'already decided', 'It was confirmed or rejected before. A rejected request can be sent anew, with a new txn_id.'),
    ('WA041', 'history has changed', 'The database was restored, or another took over, and events that you have read are gone: go on after known, or from the beginning.'),
    ('WA042', 'unknown webhook', 'Use the id of a webhook in the operators'' list.'),
    ('WA043', 'not in a transaction of its own', 'Call it outside of a transaction, or as the first and only statement of one.'),
    ('WA044', 'too many webhooks', 'Delete webhooks that nobody uses.'),
    ('WA045', 'verification already runs', 'One runs at a time in a database: wait for it, and look at its result.'),
    ('WA046', 'username lives in another database', 'Nothing was written. Send it to the database that home names, once every database and service knows the same homes.'),
    ('WA047', 'key does not allow this', 'Use a key with this scope and this user, from a network of its own, before it expires or is revoked.'),
    ('WA048', 'unknown key', 'Use the id of a key in the operators'' list.'),
    ('WA049', 'too many keys', 'Revoke keys that nobody uses.')
  ) as m (code, message, hint)
  where m.code = p_code
$$;

comment on function wallet.error_text(text) is 'The message and the hint of a domain error; no row for a code that is none.';
