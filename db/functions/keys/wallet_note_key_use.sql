create or replace function public.wallet_note_key_use(
  p_key_ids uuid[]
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_now constant timestamptz := clock_timestamp();
begin
  perform wallet.require_service();
  if cardinality(p_key_ids) > 1000 then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'key_ids', 'reason', 'must be at most 1000'));
  end if;

  -- another worker may note the same: once is enough, and none waits for another
  update wallet.api_keys k
  set last_used_at = v_now
  from (
    select x.id
    from wallet.api_keys x
    where x.id = any (p_key_ids) and (x.last_used_at is null or x.last_used_at < v_now - interval '1 minute')
    order by x.id
    for no key update skip locked
  ) l
  where k.id = l.id;
end;
$$;

comment on function public.wallet_note_key_use(uuid[]) is
$$ For the service: notes that these keys were used. A key is written once a minute at most; ids that are no key's are
passed over.

p_key_ids at most 1,000

Errors: WA002 invalid argument; WA035 the service and administrators only. $$;
