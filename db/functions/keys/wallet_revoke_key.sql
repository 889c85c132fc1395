create or replace function public.wallet_revoke_key(
  p_key_id uuid,
  p_actor uuid default null
)
returns setof wallet.described_key
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_key wallet.api_keys;
begin
  perform wallet.require_operator(p_actor);
  select k.* into v_key
  from wallet.api_keys k
  where k.id = p_key_id
  for update;
  if not found then
    perform wallet.raise_error('WA048', jsonb_build_object('key_id', p_key_id));
  end if;

  if v_key.revoked_at is null then
    update wallet.api_keys k
    set revoked_at = clock_timestamp()
    where k.id = p_key_id
    returning k.* into v_key;
    -- services remember callers: this is how they learn of it
    perform wallet.record_revocation(p_key_id, null, clock_timestamp() + interval '1 day');
    perform wallet.record_key_action(
      p_actor, 'key_revoked', p_key_id, jsonb_build_object('name', v_key.name, 'prefix', v_key.prefix)
    );
  end if;
  return next wallet.described_key(v_key);
end;
$$;

comment on function public.wallet_revoke_key(uuid, uuid) is
$$ Operators: ends a key, for good. No call that begins after this one has it, and wallet_revocations() tells its id.
What it did stays on record. Returns the key, and again the same.

p_key_id of the key
p_actor  the operator; null for an administrator

Errors: WA002 invalid argument; WA027 operators only; WA048 unknown key. $$;
