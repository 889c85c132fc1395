create or replace function public.wallet_change_password(
  p_user_id uuid,
  p_old_hash text,
  p_new_hash text
)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  if not public.wallet_rehash(p_user_id, p_old_hash, p_new_hash) then
    perform wallet.raise_error('WA034', jsonb_build_object('field', 'current_password'));
  end if;
  return wallet.revoke_tokens(p_user_id);
end;
$$;

comment on function public.wallet_change_password(uuid, text, text) is
$$ Gives a user another password, only if its hash still is the one that was checked, and signs the user out everywhere.

Returns the generation of the tokens to come.
Errors: WA002 invalid argument; WA034 wrong current password: it was changed meanwhile; WA035 as wallet_rehash(). $$;
