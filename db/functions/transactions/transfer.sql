-- Both wallets are locked already. The recipient's is read only here, because a replay needs nothing of it. One that is
-- elsewhere cannot be locked or judged here: what is sent there goes into the outbox, and its database decides.
create or replace function wallet.transfer(
  p_request wallet.request,
  p_wallet wallet.locked_wallet,
  p_to_username text default null
)
returns wallet.outcome
language plpgsql
volatile
as $$
declare
  v_amount constant bigint := p_request.amount;
  v_recipient wallet.locked_wallet;
  v_outcome wallet.outcome;
begin
  v_recipient := wallet.lock_wallet(p_request.to_wallet_id, null, null);
  v_outcome := wallet.refused_transfer(p_request, p_wallet, v_recipient, p_to_username);
  if v_outcome.code is not null then
    return v_outcome;
  end if;

  v_outcome.result := wallet.write_transaction(p_request, v_amount, -v_amount, p_wallet, v_recipient);
  if v_recipient.asset is null then
    insert into wallet.outbox (transaction_id, wallet_id, to_wallet_id, destination)
    values (
      (v_outcome.result).id, p_request.wallet_id, p_request.to_wallet_id, wallet.number_of(p_request.to_wallet_id)
    );
  end if;
  return v_outcome;
end;
$$;

comment on function wallet.transfer(wallet.request, wallet.locked_wallet, text) is
  'Moves money between two locked user wallets: refuses, or writes one transaction with an entry in each; to a wallet of another database with its other entry in the system wallet transfer.';
