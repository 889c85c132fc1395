create or replace function public.wallet_sign_in(
  p_username text,
  p_address text
)
returns table (
  user_id uuid,
  username text,
  role text,
  wallet_id uuid,
  password_hash text,
  token_generation integer,
  settled boolean
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_lately constant timestamptz := clock_timestamp() - interval '1 minute';
  v_keys bytea[];
  v_pair wallet.sign_in_tries;
  v_due timestamptz;
begin
  perform wallet.require_service();
  select t.* into v_pair
  from wallet.sign_in_keys(p_username, p_address) k
  join wallet.sign_in_tries t on t.key = k.key
  where k.kind = 'pair';
  -- whoever signed in from here before is not kept out by others' failures: at the account from elsewhere, or from
  -- here at other accounts
  select array_agg(k.key) into v_keys
  from wallet.sign_in_keys(p_username, p_address) k
  where k.kind = 'pair' or not coalesce(v_pair.known_until > clock_timestamp(), false);

  v_due := wallet.sign_in_due(v_keys);
  if v_due <= clock_timestamp() then
    -- of many at once one gets through: it takes the turn before its password is checked
    perform from wallet.sign_in_tries t where t.key = any (v_keys) order by t.key for update;
    v_due := wallet.sign_in_due(v_keys);
    update wallet.sign_in_tries t
    set next_try_at = clock_timestamp() + wallet.sign_in_delay(t.kind, t.failures)
    where t.key = any (v_keys)
      and v_due <= clock_timestamp()
      and wallet.sign_in_delay(t.kind, t.failures) is not null;
  end if;
  if v_due > clock_timestamp() then
    perform wallet.raise_error('WA033', jsonb_build_object('retry_after', ceil(extract(epoch from v_due - clock_timestamp()))));
  end if;

  return query
  select c.user_id, c.username, c.role, c.wallet_id, c.password_hash, c.token_generation,
    coalesce(v_pair.known_until > clock_timestamp() + interval '29 days', false)
    and exists (
      select
      from wallet.users u
      where u.id = c.user_id and u.last_sign_in_at > v_lately
    )
    and not exists (
      select
      from wallet.sign_in_keys(p_username, p_address) k
      join wallet.sign_in_tries t on t.key = k.key
      where k.kind <> 'address' and t.failures > 0
    )
  from public.wallet_credentials(p_username) c;
end;
$$;

comment on function public.wallet_sign_in(text, text) is
$$ Begins a sign-in: returns what wallet_credentials() does, unless too many have failed. What became of it is told to
wallet_sign_in_failed() or wallet_sign_in_succeeded().

p_address who asks, in the service's words

settled is true where a success needs not be told. No row for an unknown name, whose failures count as others do.
Errors: WA033 too many failed sign-ins (retry_after in seconds, at most 60); WA035 another login than the service's or
an administrator's. $$;
