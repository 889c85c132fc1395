create or replace function public.wallet_sign_in_failed(
  p_username text,
  p_address text
)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select wallet.require_service();

  -- each call adds at most three rows and removes expired ones, so the table stays small without a job
  delete from wallet.sign_in_tries t
  where t.key in (
    select e.key
    from wallet.sign_in_tries e
    where greatest(e.counts_until, e.known_until) < statement_timestamp()
    order by greatest(e.counts_until, e.known_until)
    limit 10
    for update skip locked
  );

  insert into wallet.sign_in_tries as t (key, kind, failures, counts_until, next_try_at)
  select k.key, k.kind, 1, clock_timestamp() + interval '1 hour', clock_timestamp()
  from wallet.sign_in_keys(p_username, p_address) k
  order by k.key
  on conflict on constraint sign_in_tries_pkey do update
  set counts_until = excluded.counts_until,
    (failures, next_try_at) = (
      select n.failures, clock_timestamp() + coalesce(wallet.sign_in_delay(t.kind, n.failures), interval '0')
      from (select case when t.counts_until > excluded.next_try_at then t.failures + 1 else 1 end) n (failures)
    );
$$;

comment on function public.wallet_sign_in_failed(text, text) is
$$ Counts a failed sign-in, of the account, from the address, and of the two together, for an hour after the latest one.

After 5 failures of a pair, 20 of an account or 200 from an address, wallet_sign_in() makes the next try wait: 1
second, doubled by every failure, at most a minute. $$;
