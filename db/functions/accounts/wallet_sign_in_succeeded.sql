-- The failures of the address stay: whoever has an account there could otherwise guess others' passwords in between.
create or replace function public.wallet_sign_in_succeeded(
  p_username text,
  p_address text
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
  -- locked in the order in which a failure writes them
  perform
  from wallet.sign_in_tries t
  where t.key in (select k.key from wallet.sign_in_keys(p_username, p_address) k where k.kind <> 'address')
  order by t.key
  for update;

  insert into wallet.sign_in_tries as t (key, kind, failures, counts_until, next_try_at, known_until)
  select k.key, k.kind, 0, clock_timestamp(), clock_timestamp(), clock_timestamp() + interval '30 days'
  from wallet.sign_in_keys(p_username, p_address) k
  where k.kind = 'pair'
  on conflict on constraint sign_in_tries_pkey do update
  set failures = 0,
    counts_until = excluded.counts_until,
    known_until = excluded.known_until;

  update wallet.sign_in_tries t
  set failures = 0
  from wallet.sign_in_keys(p_username, p_address) k
  where t.key = k.key
    and k.kind = 'account';

  update wallet.users u
  set last_sign_in_at = clock_timestamp()
  where u.username = wallet.username(p_username) and u.erased_at is null;
end;
$$;

comment on function public.wallet_sign_in_succeeded(text, text) is
$$ Notes when the user signed in, forgets the failures of the account and of its pair with the address, and remembers
the pair for 30 days: what others fail at, elsewhere or at this address, does not make this user wait here. $$;
