-- The recipients' wallets are locked in the order of all requests: an erasure of a recipient changes the same details.
create or replace function public.wallet_erase_received(
  p_origin_ids bigint[]
)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_rows bigint;
begin
  perform wallet.require_relay();
  perform wallet.require_read_committed();
  perform from wallet.wallets w
  where w.id in (select i.to_wallet_id from wallet.inbox i where i.origin_id = any (p_origin_ids))
  order by w.id
  for update;

  update wallet.inbox i
  set is_erased = true
  where i.origin_id = any (p_origin_ids) and i.transaction_id is not null and not i.is_erased;
  update wallet.transaction_details d
  set reference = null, metadata = null, effective_at = null, salt = null
  from wallet.inbox i
  where i.origin_id = any (p_origin_ids) and d.transaction_id = i.transaction_id and d.salt is not null;
  get diagnostics v_rows = row_count;
  return v_rows;
end;
$$;

comment on function public.wallet_erase_received(bigint[]) is
$$ For the relay: erases the details of transfers that were received from senders who were erased; returns of how many
there were any. The money stays, and so does the hash chain, as wallet_erase_user() says.

p_origin_ids  as wallet_erased_outbox() of the sender's database returned them

Errors: WA007 isolation level; WA035 the relay and administrators only. $$;
