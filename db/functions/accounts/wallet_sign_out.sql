create or replace function public.wallet_sign_out(
  p_user_id uuid,
  p_token_id uuid,
  p_expires_at timestamptz
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_service();
  if p_token_id is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'token_id', 'reason', 'must not be null'));
  elsif p_expires_at is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'expires_at', 'reason', 'must not be null'));
  elsif not exists (select from wallet.users u where u.id = p_user_id) then
    perform wallet.raise_error('WA029', jsonb_build_object('user_id', p_user_id));
  end if;

  perform wallet.record_revocation(p_user_id, p_token_id, p_expires_at);
end;
$$;

comment on function public.wallet_sign_out(uuid, uuid, timestamptz) is
$$ Revokes one token; again changes nothing. wallet_principal() knows it no more, and wallet_revocations() tells the
service's processes.

p_token_id   as the service derives it from the token
p_expires_at when the token expires: the row is removed after that

Errors: WA002 invalid argument; WA029 unknown user; WA035 another login than the service's or an administrator's. $$;
