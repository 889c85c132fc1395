create or replace function public.wallet_reset_password(
  p_token_hash bytea,
  p_new_hash text,
  p_address text
)
returns table (user_id uuid, username text, role text, wallet_id uuid, token_generation integer)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_user_id uuid;
  v_username text;
  v_reset wallet.password_resets;
  v_now timestamptz;
begin
  perform wallet.require_read_committed();
  perform wallet.require_service();
  perform wallet.require_hash(p_new_hash);
  v_user_id := public.wallet_require_password_reset(p_token_hash);
  select u.username into strict v_username
  from wallet.users u
  where u.id = v_user_id;

  -- locks what a sign-in locks, in its order, and the user: of two resets by one token the later finds none
  perform public.wallet_sign_in_succeeded(v_username, p_address);
  v_now := clock_timestamp();
  delete from wallet.password_resets r
  where r.token_hash = p_token_hash and r.user_id = v_user_id and r.expires_at > v_now
  returning r.* into v_reset;
  if not found then
    perform wallet.raise_error('WA037', jsonb_build_object('field', 'token'));
  end if;

  update wallet.users u
  set password_hash = p_new_hash
  where u.id = v_user_id;
  token_generation := wallet.revoke_tokens(v_user_id);
  perform wallet.record_action(
    v_user_id, 'password_reset', v_user_id, null,
    p_detail => jsonb_build_object('created_by', v_reset.actor, 'created_at', v_reset.created_at)
  );
  return query
  select p.user_id, p.username, p.role, p.wallet_id, token_generation
  from public.wallet_principal(v_user_id) p;
end;
$$;

comment on function public.wallet_reset_password(bytea, text, text) is
$$ Gives the user of a password reset token another password and uses the token up. Ends all tokens of the user, counts
as a successful sign-in from p_address, and is on record as the user's own action.

p_token_hash the SHA-256 of the token
p_new_hash   as the service's password hasher made it; never a password
p_address    who asks, in the service's words

Returns what a sign-in does; token_generation is that of the tokens to come.
Errors: WA002 invalid argument; WA035 another login than the service's or an administrator's; WA037 password reset token
not valid: unknown, used, replaced, expired, or of an erased user. $$;
