create or replace function public.wallet_event_settled(
  p_fence bigint
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  if p_fence is null or p_fence < 0 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'fence', 'reason', 'must be the fence of a mark'));
  end if;
  return wallet.is_settled(p_fence::text::xid8);
end;
$$;

comment on function public.wallet_event_settled(bigint) is
$$ Whether the fence of a wallet_event_mark() has passed: every transaction that was under way then is finished.

Errors: WA002 invalid argument. $$;
