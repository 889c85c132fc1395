create or replace function public.wallet_create_key(
  p_key_id uuid,
  p_name text,
  p_secret_hash bytea,
  p_prefix text,
  p_scopes text[],
  p_user_ids uuid[] default null,
  p_all_users boolean default false,
  p_networks text[] default null,
  p_expires_at timestamptz default null,
  p_calls_per_minute integer default null,
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
  c_most constant integer := 1000;
  v_user_ids constant uuid[] := array(select distinct i from unnest(p_user_ids) i order by i);
  v_scopes constant text[] := array(select distinct s from unnest(p_scopes) s order by s);
  v_networks cidr[];
  v_key wallet.api_keys;
begin
  perform wallet.require_operator(p_actor);
  perform wallet.require_key_terms(
    p_name, p_secret_hash, p_prefix, p_scopes, p_user_ids, p_all_users, p_networks, p_expires_at, p_calls_per_minute
  );
  if p_networks is not null then
    v_networks := array(select distinct n::cidr as network from unnest(p_networks) n order by network);
  end if;

  -- One at a time: two that count the others at once would both find room. The mode lets rows be changed: a caller may
  -- leave the transaction open, and nobody who revokes a key waits for that.
  lock table wallet.api_keys in share update exclusive mode;
  select k.* into v_key
  from wallet.api_keys k
  where k.id = p_key_id;
  if found then
    if (
      v_key.name, v_key.prefix, v_key.secret_hash, v_key.scopes, v_key.all_users, v_key.networks,
      v_key.calls_per_minute, v_key.expires_at,
      array(select s.user_id from wallet.key_subjects s where s.key_id = p_key_id order by s.user_id)
    ) is distinct from (
      p_name, p_prefix, p_secret_hash, v_scopes, coalesce(p_all_users, false), v_networks, p_calls_per_minute,
      p_expires_at, v_user_ids
    ) then
      perform wallet.raise_error('WA002', jsonb_build_object('field', 'key_id', 'reason', 'must not be another key''s'));
    end if;
    return next wallet.described_key(v_key);
    return;
  elsif exists (select from wallet.api_keys k where k.secret_hash = p_secret_hash) then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'secret_hash', 'reason', 'must not be another key''s'));
  elsif p_expires_at <= clock_timestamp() then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'expires_at', 'reason', 'must be in the future'));
  end if;
  perform wallet.require_subjects(p_user_ids);
  if (
    select count(*)
    from wallet.api_keys k
    where k.revoked_at is null and (k.expires_at is null or k.expires_at > statement_timestamp())
  ) >= c_most then
    perform wallet.raise_error('WA049', jsonb_build_object('maximum', c_most));
  end if;

  insert into wallet.api_keys as k
    (id, name, prefix, secret_hash, scopes, all_users, networks, calls_per_minute, expires_at, actor)
  values (
    coalesce(p_key_id, gen_random_uuid()), p_name, p_prefix, p_secret_hash, v_scopes, coalesce(p_all_users, false),
    v_networks, p_calls_per_minute, p_expires_at, p_actor
  )
  returning k.* into v_key;
  insert into wallet.key_subjects (key_id, user_id)
  select v_key.id, i
  from unnest(v_user_ids) i;
  perform wallet.record_key_action(
    p_actor, 'key_created', v_key.id, jsonb_build_object(
      'name', v_key.name, 'prefix', v_key.prefix, 'scopes', v_key.scopes, 'all_users', v_key.all_users,
      'users', cardinality(v_user_ids), 'networks', v_key.networks::text[],
      'calls_per_minute', v_key.calls_per_minute, 'expires_at', v_key.expires_at
    )
  );
  return next wallet.described_key(v_key);
end;
$$;

comment on function public.wallet_create_key(
  uuid, text, bytea, text, text[], uuid[], boolean, text[], timestamptz, integer, uuid
) is
$$ Operators: makes a key, with which a machine acts for users. Returns it, and again the same for the same p_key_id and
arguments. What it may do never changes.

p_key_id      a UUID of the caller's choice; null makes one
p_name        1 to 64 characters, for operators; it stays on record, so it should not name a person
p_secret_hash SHA-256 of the secret, 32 bytes; p_prefix the first 12 characters of it: pgw_ and 8 of A-Z, a-z, 0-9, _, -
p_scopes      some of hold, read, refund, spend, topup, transfer. hold is for captures and voids, too
p_user_ids, p_all_users  either 1 to 1000 users, or every user. Never an operator or an erased user: a user who becomes
              one is none of its users any more
p_networks    1 to 100 networks, like 192.0.2.0/24, from which it may be used, those of IPv4 without ::ffff: before
              them; null: from anywhere
p_expires_at  in the future; null: never
p_calls_per_minute  1 to 1000000, for the service; null: as its settings say
p_actor       the operator; null for an administrator

user_ids is null with all_users. last_used_at is as old as a minute, and null before the first use.
Errors: WA002 invalid argument; WA027 operators only; WA029 unknown user; WA049 there are 1,000 that can be used. $$;
