create or replace function public.wallet_reject(
  p_id bigint,
  p_reason text,
  p_actor uuid default null
)
returns setof wallet.described_confirmation
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_confirmation wallet.confirmations;
  v_owner_id uuid;
begin
  perform wallet.require_operator(p_actor);
  if p_reason is null or length(p_reason) not between 1 and 256 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'reason', 'reason', 'must have 1 to 256 characters'));
  end if;
  v_confirmation := wallet.locked_confirmation(p_id);
  select w.owner_id into v_owner_id
  from wallet.wallets w
  where w.id = v_confirmation.wallet_id;
  perform wallet.require_another(v_owner_id, p_actor);
  if v_confirmation.status = 'confirmed' then
    perform wallet.raise_error('WA040', jsonb_build_object('id', p_id, 'decision', v_confirmation.status));
  end if;

  if v_confirmation.status = 'waiting' then
    update wallet.confirmations c
    set status = 'rejected', decided_by = p_actor, decided_at = clock_timestamp(), reason = p_reason
    where c.id = p_id
    returning c.* into v_confirmation;
    perform wallet.record_action(
      p_actor, 'reject', null, v_confirmation.wallet_id, p_reason, p_detail => jsonb_build_object('confirmation_id', p_id)
    );
  end if;
  return next wallet.described_confirmation(v_confirmation);
end;
$$;

comment on function public.wallet_reject(bigint, text, uuid) is
$$ Operators: rejects a request that waits, one's own too: it can never be confirmed afterwards. Returns the
confirmation, and again the same, with the first reason.

p_id     of the confirmation
p_reason 1 to 256 characters, mandatory; it stays on record, so it should not name the person
p_actor  the operator, another than the wallet's owner; null for an administrator

Errors: WA002 invalid argument; WA027 operators only; WA038 the operator's own wallet; WA039 unknown confirmation; WA040
confirmed before. $$;
