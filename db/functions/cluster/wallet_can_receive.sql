create or replace function public.wallet_can_receive(
  p_to_wallet_id uuid,
  p_asset text,
  p_amount bigint,
  p_field text
)
returns void
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_wallet wallet.wallets;
  v_code text;
begin
  perform wallet.require_service();
  if p_field is null or p_field not in ('to_wallet_id', 'to_username') then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'field', 'reason', 'must be to_wallet_id or to_username'));
  end if;
  select w.* into v_wallet
  from wallet.wallets w
  where w.id = p_to_wallet_id and w.kind = 'user';
  if not found then
    perform wallet.raise_error('WA009', jsonb_build_object(
      'field', p_field, 'to_wallet_id', p_to_wallet_id, 'asset', p_asset
    ));
  elsif v_wallet.asset is distinct from p_asset then
    perform wallet.raise_error('WA011', jsonb_build_object('field', p_field, 'asset', p_asset));
  end if;
  v_code := wallet.check_change(
    p_amount, coalesce((select n.balance_after from wallet.newest_entry(p_to_wallet_id) n), 0), 0, v_wallet.status,
    v_wallet.max_balance
  );
  if v_code is not null then
    perform wallet.raise_error(v_code, jsonb_build_object('field', p_field, 'wallet_id', p_to_wallet_id));
  end if;
end;
$$;

comment on function public.wallet_can_receive(uuid, text, bigint, text) is
$$ For the service: raises what would refuse a transfer from another database to this wallet now. It promises nothing:
the decision is wallet_receive()'s, and what it refuses is returned to the sender.

p_amount minor units of p_asset, the sender's
p_field  how the recipient was named: to_wallet_id or to_username, the field of the refusal

Errors: WA002 invalid argument; WA006 balance limit; WA009 unknown recipient; WA011 other asset; WA013 closed; WA035 the
service and administrators only. $$;
