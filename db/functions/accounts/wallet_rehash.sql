create or replace function public.wallet_rehash(
  p_user_id uuid,
  p_old_hash text,
  p_new_hash text
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_service();
  perform wallet.require_hash(p_new_hash);

  update wallet.users u
  set password_hash = p_new_hash
  where u.id = p_user_id
    and u.password_hash = p_old_hash;
  return found;
end;
$$;

comment on function public.wallet_rehash(uuid, text, text) is
$$ Replaces the hash of a password by another one of the same password, only if it still is p_old_hash; says whether
it was.

Errors: WA002 invalid argument; WA035 another login than the service's or an administrator's. $$;
