-- It locks both wallets as the transfer does, so that it judges what the transfer would.
create or replace function public.wallet_preview_transfer(
  p_wallet_id uuid,
  p_txn_id uuid,
  p_amount bigint,
  p_to_wallet_id uuid default null,
  p_to_username text default null,
  p_actor uuid default null,
  p_key_id uuid default null
)
returns table (to_wallet_id uuid, to_username text, balance bigint, available bigint, is_recorded boolean)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_request wallet.request;
  v_wallet wallet.locked_wallet;
  v_recipient wallet.locked_wallet;
  v_fault jsonb;
  v_outcome wallet.outcome;
begin
  if p_key_id is not null then
    perform wallet.require_key(p_key_id, 'transfer', p_actor);
  end if;
  v_request.type := 'transfer';
  v_request.wallet_id := p_wallet_id;
  v_request.txn_id := p_txn_id;
  v_request.amount := p_amount;
  v_request.to_wallet_id := p_to_wallet_id;
  v_fault := coalesce(
    wallet.request_fault(p_wallet_id, p_txn_id, p_amount, null, null, p_actor),
    wallet.type_fault(v_request, p_to_username)
  );
  if v_fault is not null then
    perform wallet.raise_error('WA002', v_fault);
  end if;
  perform wallet.require_wallet(p_wallet_id, p_actor, null);

  if p_to_username is not null then
    v_request.to_wallet_id := wallet.recipient(p_wallet_id, p_to_username);
  end if;
  perform wallet.lock_both(p_wallet_id, v_request.to_wallet_id, p_actor);
  v_wallet := wallet.lock_wallet(p_wallet_id, p_txn_id, p_actor);
  is_recorded := num_nonnulls(v_wallet.earlier_id, v_wallet.earlier_event) > 0;
  if not is_recorded then
    v_recipient := wallet.lock_wallet(v_request.to_wallet_id, null, null);
    v_outcome := wallet.refused_transfer(v_request, v_wallet, v_recipient, p_to_username);
    if v_outcome.code is not null then
      perform wallet.raise_error(
        v_outcome.code, v_outcome.detail || jsonb_build_object('asset', v_wallet.asset, 'scale', v_wallet.scale)
      );
    end if;
    to_wallet_id := v_request.to_wallet_id;
    to_username := (
      select u.username
      from wallet.wallets w
      join wallet.users u on u.id = w.owner_id
      where w.id = v_request.to_wallet_id
    );
    balance := v_wallet.balance - p_amount;
    available := wallet.available(balance, v_wallet.held, v_wallet.floor);
  end if;
  return next;
end;
$$;

comment on function public.wallet_preview_transfer(uuid, uuid, bigint, uuid, text, uuid, uuid) is
$$ What a transfer would do now, which writes nothing: who receives it, and the sender's balance and available right
after it. For a person who confirms before the money leaves; the transfer itself is judged anew.

p_txn_id    as the transfer will have it: where it is on record, is_recorded is true and all else null
p_amount    minor units of the wallet's asset, 1 to 9007199254740991
p_to_wallet_id, p_to_username  exactly one: the recipient's wallet, or the recipient
p_actor     the user on whose behalf it is called; null for an administrator alone
p_key_id    the key of a machine that acts for that user; null for none

Errors: WA001 unknown wallet; WA002 invalid argument; WA003 insufficient funds; WA006 the recipient's balance limit;
WA009 unknown recipient; WA010 same wallet; WA011 other asset; WA012 frozen; WA013 closed; WA014 limit;
WA047 not for this key. $$;
