-- Correctness never needs it: a due hold sets nothing aside, and the next mutation of its wallet ends it.
create or replace function public.wallet_sweep(
  p_limit integer default 1000
)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_wallet_id uuid;
  v_ended bigint := 0;
begin
  perform wallet.require_read_committed();
  if p_limit is null or p_limit not between 1 and 100000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'limit', 'reason', 'must be between 1 and 100000'));
  end if;

  -- in the order of ids, as everybody locks; a wallet that is locked is skipped, because its holder ends its due holds
  for v_wallet_id in
    select w.id
    from wallet.wallets w
    where w.id in (
      select d.wallet_id
      from (
        select h.wallet_id
        from wallet.holds h
        where h.status = 'open' and h.amount > 0 and h.expires_at <= statement_timestamp()
        order by h.expires_at
        limit p_limit
      ) d
    )
    order by w.id
    for update skip locked
  loop
    v_ended := v_ended + wallet.end_due_holds(v_wallet_id, clock_timestamp());
  end loop;
  return v_ended;
end;
$$;

comment on function public.wallet_sweep(integer) is
$$ Ends holds that are due in wallets that nothing touches, by an event each; returns how many. Waits for nobody.

p_limit how many due holds to look at, the oldest first, 1 to 100000

Errors: WA002 invalid argument; WA007 isolation level. $$;
