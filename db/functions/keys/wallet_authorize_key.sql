create or replace function public.wallet_authorize_key(
  p_secret_hash bytea,
  p_address inet,
  p_user_id uuid default null,
  p_username text default null
)
returns table (
  key_id uuid, name text, prefix text, scopes text[], calls_per_minute integer, expires_at timestamptz, user_id uuid,
  username text, wallet_id uuid
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_key wallet.api_keys;
  -- an address of IPv4 on a socket of IPv6
  v_address constant inet := case
    when p_address <<= inet '::ffff:0.0.0.0/96' then substring(host(p_address) from '[0-9.]+$')::inet
    else p_address
  end;
  v_user_id uuid;
  v_refusal jsonb;
begin
  perform wallet.require_service();
  if num_nonnulls(p_user_id, p_username) <> 1 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'user_id', 'reason', 'must be given, or username, not both'));
  end if;
  select k.* into v_key
  from wallet.api_keys k
  where k.secret_hash = p_secret_hash and k.revoked_at is null
    and (k.expires_at is null or k.expires_at > statement_timestamp());
  if not found then
    return;
  end if;

  if v_key.networks is not null and (v_address <<= any (v_key.networks)) is not true then
    perform wallet.raise_error('WA047', jsonb_build_object('key_id', v_key.id, 'reason', 'network', 'scope', null));
  end if;
  v_user_id := coalesce(
    p_user_id, (select u.id from wallet.users u where u.username = wallet.username(p_username))
  );
  v_refusal := wallet.key_refusal(v_key.id, v_key.scopes[1], case when wallet.is_here(v_user_id) then v_user_id end);
  if v_refusal is not null then
    perform wallet.raise_error('WA047', v_refusal || '{"scope": null}');
  end if;

  return query
  select v_key.id, v_key.name, v_key.prefix, v_key.scopes, v_key.calls_per_minute, v_key.expires_at, u.id, u.username,
    (select w.id from wallet.wallets w where w.owner_id = u.id and w.asset = wallet.default_asset())
  from wallet.users u
  where u.id = v_user_id;
end;
$$;

comment on function public.wallet_authorize_key(bytea, inet, uuid, text) is
$$ For the service: who calls with a key, and for whom: one row, with the user's default wallet; no row for a secret
that is unknown, revoked or expired. Every call with the key is judged anew, by its scope too.

p_secret_hash SHA-256 of the secret
p_address     where the call comes from
p_user_id, p_username  exactly one: the user for whom it is

Errors: WA002 invalid argument; WA035 the service and administrators only; WA047 not from this network, or not for this
user: one who is none of its users and one who does not exist are told alike. $$;
