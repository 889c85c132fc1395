create or replace function wallet.described_confirmation(
  p_confirmation wallet.confirmations
)
returns wallet.described_confirmation
language sql
stable
as $$
  select jsonb_populate_record(
    null::wallet.described_confirmation,
    to_jsonb(p_confirmation) || jsonb_build_object(
      'asset', a.code, 'scale', a.scale, 'username', o.username,
      'actor_username', (select u.username from wallet.users u where u.id = p_confirmation.actor)
    )
  )
  from wallet.wallets w
  join wallet.assets a on a.code = w.asset
  join wallet.users o on o.id = w.owner_id
  where w.id = p_confirmation.wallet_id
$$;

comment on function wallet.described_confirmation(wallet.confirmations) is
  'A confirmation with the asset of its amounts, and the names of the wallet''s owner and of who asked, as stored now.';
