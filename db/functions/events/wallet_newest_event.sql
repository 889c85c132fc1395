create or replace function public.wallet_newest_event(
  p_up_to bigint,
  p_fence bigint
)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform wallet.require_service();
  perform wallet.require_page(0, p_up_to, 1, null, null);
  if not public.wallet_event_settled(p_fence) then
    return null;
  end if;
  return greatest(
    0,
    (select t.id from wallet.transactions t where t.id <= p_up_to order by t.id desc limit 1),
    (select h.id from wallet.hold_events h where h.id <= p_up_to order by h.id desc limit 1),
    (select a.id from wallet.account_events a where a.id <= p_up_to order by a.id desc limit 1)
  );
end;
$$;

comment on function public.wallet_newest_event(bigint, bigint) is
$$ Where to begin to read what happens from now on: the id of the newest event up to p_up_to, 0 for none; null until the
fence has passed. p_up_to itself is no cursor: it may be the id of a transaction that came to nothing.

p_up_to, p_fence  what wallet_event_mark() returned

Errors: WA002 invalid argument; WA035 the service and administrators only. $$;
