create or replace function wallet.is_busy(
  p_wallet_id uuid,
  p_actor uuid,
  p_locked uuid[]
)
returns boolean
language sql
stable
as $$
  select p_wallet_id <> all (coalesce(p_locked, '{}')) and exists (
    select
    from wallet.wallets w
    where w.id = p_wallet_id and wallet.is_visible(w, p_actor)
  )
$$;

comment on function wallet.is_busy(uuid, uuid, uuid[]) is
  'True when the wallet exists for this actor and is not among the locked ones: another session holds it.';
