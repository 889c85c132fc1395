-- An expression over the row, so that the planner inlines it also where the row is locked.
create or replace function wallet.is_visible(
  p_wallet wallet.wallets,
  p_actor uuid
)
returns boolean
language sql
immutable
as $$
  select p_wallet.kind = 'user' and (p_actor is null or p_wallet.owner_id = p_actor)
$$;

comment on function wallet.is_visible(wallet.wallets, uuid) is
  'True for a user wallet of the actor; for any user wallet where the actor is null, which the caller has allowed.';
