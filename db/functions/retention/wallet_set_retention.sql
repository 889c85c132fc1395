create or replace function public.wallet_set_retention(
  p_subject text,
  p_days integer
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
  v_before wallet.retention;
begin
  perform wallet.require_trust();
  if p_days not between 1 and 36500 then
    perform wallet.raise_error('WA002', jsonb_build_object(
      'field', 'days', 'reason', 'must be between 1 and 36500, or null for ever'
    ));
  end if;

  select r.* into v_before
  from wallet.retention r
  where r.subject = p_subject
  for update;
  if not found then
    perform wallet.raise_error('WA002', jsonb_build_object(
      'field', 'subject',
      'reason', 'must be one of ' || (select string_agg(r.subject, ', ' order by r.subject) from wallet.retention r)
    ));
  elsif v_before.keep_days is distinct from p_days then
    update wallet.retention r set keep_days = p_days where r.subject = p_subject;
    perform wallet.record_action(
      null, 'retention', null, null,
      p_before => jsonb_build_object('keep', coalesce(v_before.keep_days || 'd', 'forever')),
      p_detail => jsonb_build_object('of', p_subject, 'keep', coalesce(p_days || 'd', 'forever'))
    );
  end if;
end;
$$;

comment on function public.wallet_set_retention(text, integer) is
$$ Sets for how long something is kept, and records it. For administrators.

p_subject audit: what operators did; looks: whom they looked at; key_uses; verifications; dead_letters
p_days    1 to 36500; null for ever

Errors: WA002 invalid argument; WA035 administrators only. $$;
