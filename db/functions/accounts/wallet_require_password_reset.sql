create or replace function public.wallet_require_password_reset(
  p_token_hash bytea
)
returns uuid
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_user_id uuid;
begin
  perform wallet.require_service();
  select r.user_id into v_user_id
  from wallet.password_resets r
  where r.token_hash = p_token_hash and r.expires_at > statement_timestamp();
  if not found then
    perform wallet.raise_error('WA037', jsonb_build_object('field', 'token'));
  end if;
  return v_user_id;
end;
$$;

comment on function public.wallet_require_password_reset(bytea) is
$$ Returns the user whose password this token (its SHA-256) can reset now, before a password is hashed for nothing.
wallet_reset_password() asks again.

Errors: WA035 another login than the service's or an administrator's; WA037 password reset token not valid. $$;
