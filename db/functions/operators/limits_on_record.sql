create or replace function wallet.limits_on_record(
  p_wallet_id uuid
)
returns jsonb
language sql
stable
as $$
  select jsonb_build_object(
    'floor', w.floor, 'max_balance', w.max_balance,
    'limits', coalesce((select jsonb_agg(to_jsonb(l) - 'wallet_id' order by l.kind) from wallet.limits l where l.wallet_id = w.id), '[]')
  )
  from wallet.wallets w
  where w.id = p_wallet_id
$$;

comment on function wallet.limits_on_record(uuid) is 'The limits of a wallet as an operator''s action notes them.';
