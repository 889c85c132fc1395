-- The order of the steps is what makes it safe: how far ids are drawn, and only then our own xid. Whoever has drawn an
-- id up to there had an xid before, so it is older than ours; once all older ones are finished, no such id can appear.
create or replace function public.wallet_event_mark(
  p_known bigint default null
)
returns table (up_to bigint, fence bigint, epoch integer)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  c_check_every constant interval := '1 minute';
  c_jump constant bigint := 10000000;
  v_now constant timestamptz := clock_timestamp();
  v_line record;
  v_epoch wallet.event_epochs;
begin
  perform wallet.require_service();
  if pg_current_xact_id_if_assigned() is not null then
    perform wallet.raise_error('WA043', jsonb_build_object('function', 'wallet_event_mark'));
  end if;

  up_to := wallet.drawn_up_to();
  select * into v_line from wallet.history_line();
  select e.* into v_epoch
  from wallet.event_epochs e
  order by e.id desc
  limit 1;
  epoch := v_epoch.token;
  if up_to = p_known and (v_epoch.system_id, v_epoch.timeline) = (v_line.system_id, v_line.timeline) then
    return next;
    return;
  end if;

  fence := pg_current_xact_id()::text::bigint;
  -- A commit that only draws an xid is not flushed. This one is, and with it all ids up to up_to: after a crash they
  -- are not drawn again, so that whoever still holds this mark reads rightly.
  perform pg_logical_emit_message(true, 'pgwallet', '');
  if (v_epoch.system_id, v_epoch.timeline) = (v_line.system_id, v_line.timeline) then
    -- a mark of the last minute becomes what is known, once it is final
    update wallet.event_epochs e
    set known_id = case
        when wallet.is_settled(e.marked_fence) then greatest(e.known_id, e.marked_id)
        else e.known_id
      end,
      marked_id = up_to, marked_fence = fence::text::xid8, marked_at = v_now
    where e.id = v_epoch.id and (e.marked_at <= v_now - c_check_every or e.marked_at > v_now);
  else
    lock table wallet.event_epochs in share row exclusive mode;
    select e.* into v_epoch
    from wallet.event_epochs e
    order by e.id desc
    limit 1;
    if (v_epoch.system_id, v_epoch.timeline) is distinct from (v_line.system_id, v_line.timeline) then
      if v_epoch.id is not null then
        -- ids that were drawn in the history that is lost must not be drawn again
        up_to := setval('wallet.transaction_ids', up_to + c_jump);
      end if;
      insert into wallet.event_epochs (id, token, system_id, timeline, known_id, marked_id)
      values (
        coalesce(v_epoch.id, 0) + 1, floor(random() * 2147483647)::integer, v_line.system_id, v_line.timeline,
        coalesce(v_epoch.known_id, 0), coalesce(v_epoch.known_id, 0)
      )
      returning token into epoch;
    end if;
    -- others may have drawn ids since ours was read: the next mark is good
    up_to := 0;
  end if;
  return next;
end;
$$;

comment on function public.wallet_event_mark(bigint) is
$$ Begins to read events: how far ids are drawn, and the fence behind which everything up to there is final. Call it in
a transaction of its own, which commits before the fence can pass; then give both to wallet_events(). It draws an xid.

p_known up_to of the last mark, or null: while no id was drawn since, fence is null and no xid is drawn

Returns up_to, a bound for reading and never a cursor; fence; and epoch, the line of history that ids belong to. After a
restore, a failover or a copy of the database it begins a new epoch, and ids jump ahead by 10,000,000.
Errors: WA035 the service and administrators only; WA043 not in a transaction of its own. $$;
