create or replace function public.wallet_sign_out_everywhere(
  p_user_id uuid
)
returns integer
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$ select wallet.revoke_tokens(p_user_id) from wallet.require_service() $$;

comment on function public.wallet_sign_out_everywhere(uuid) is
$$ Revokes all tokens of a user that were issued until now; returns the generation of the tokens to come.

Errors: WA029 unknown user; WA035 another login than the service's or an administrator's. $$;
