create or replace function public.wallet_key(
  p_key_id uuid,
  p_actor uuid default null
)
returns setof wallet.described_key
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_operator(p_actor);
  return query
  select d.*
  from wallet.api_keys k
  cross join lateral wallet.described_key(k) d
  where k.id = p_key_id;
  if not found then
    perform wallet.raise_error('WA048', jsonb_build_object('key_id', p_key_id));
  end if;
end;
$$;

comment on function public.wallet_key(uuid, uuid) is
$$ Operators: one key, also one that was revoked. Columns as those of wallet_create_key().

p_key_id of the key
p_actor  the operator; null for an administrator

Errors: WA002 invalid argument; WA027 operators only; WA048 unknown key. $$;
