create or replace function wallet.described_confirmation(
  p_confirmation wallet.confirmations
)
returns wallet.described_confirmation
language sql
stable
as $$
  select jsonb_populate_record(
    null::wallet.described_confirmation, to_jsonb(p_confirmation) || jsonb_build_object('asset', a.code, 'scale', a.scale)
  )
  from wallet.wallets w
  join wallet.assets a on a.code = w.asset
  where w.id = p_confirmation.wallet_id
$$;

comment on function wallet.described_confirmation(wallet.confirmations) is 'A confirmation with the asset of its amounts.';
