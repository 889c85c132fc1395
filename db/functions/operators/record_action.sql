create or replace function wallet.record_action(
  p_actor uuid,
  p_action text,
  p_user_id uuid,
  p_wallet_id uuid,
  p_reason text default null,
  p_before jsonb default null,
  p_detail jsonb default '{}',
  p_webhook_id uuid default null
)
returns timestamptz
language sql
volatile
as $$
  insert into wallet.operator_actions (actor, action, user_id, wallet_id, webhook_id, reason, before, detail)
  select p_actor, p_action,
    coalesce(p_user_id, (select w.owner_id from wallet.wallets w where w.id = p_wallet_id)),
    p_wallet_id, p_webhook_id, p_reason, p_before, p_detail
  returning created_at
$$;

comment on function wallet.record_action(uuid, text, uuid, uuid, text, jsonb, jsonb, uuid) is
$$ Notes what an operator did, for wallet_audit(); returns when. Of a wallet the owner is noted too.

p_action status, limits, topup, refund, adjustment, erase, role, read …
p_before what was so before; p_detail what is since then. Neither may name a person: they outlive an erasure $$;
