create or replace function public.wallet_relay_progress(
  p_webhook_id uuid,
  p_version bigint,
  p_position bigint,
  p_failures integer,
  p_pause_reason text,
  p_delivered bigint[],
  p_waiting bigint[],
  p_attempts integer[],
  p_first_at timestamptz[],
  p_next_at timestamptz[],
  p_statuses integer[],
  p_errors text[],
  p_dead boolean[],
  p_first_ids bigint[],
  p_last_ids bigint[],
  p_counts integer[],
  p_tries integer[],
  p_answer_statuses integer[],
  p_answer_errors text[],
  p_milliseconds integer[],
  p_answers text[]
)
returns boolean
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
  perform wallet.require_parallel(
    'waiting', p_waiting, array[
      cardinality(p_attempts), cardinality(p_first_at), cardinality(p_next_at), cardinality(p_statuses),
      cardinality(p_errors), cardinality(p_dead)
    ],
    num_nulls(variadic p_attempts) + num_nulls(variadic p_dead)
      + (select count(*) from unnest(p_dead, p_first_at) x (dead, at) where x.dead and x.at is null)::integer
  );
  perform wallet.require_parallel(
    'first_ids', p_first_ids, array[
      cardinality(p_last_ids), cardinality(p_counts), cardinality(p_tries), cardinality(p_answer_statuses),
      cardinality(p_answer_errors), cardinality(p_milliseconds), cardinality(p_answers)
    ],
    num_nulls(variadic p_last_ids) + num_nulls(variadic p_counts) + num_nulls(variadic p_tries)
      + num_nulls(variadic p_milliseconds)
  );
  if p_position is null or p_position < 0 then
    perform wallet.raise_error('WA024', jsonb_build_object('field', 'position'));
  elsif (select count(distinct i) from unnest(p_waiting) i) < cardinality(p_waiting) then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'waiting', 'reason', 'must be different ids'));
  elsif p_failures is null then
    perform wallet.raise_error('WA002', jsonb_build_object('field', 'failures', 'reason', 'must not be null'));
  end if;

  update wallet.webhooks w
  set position = p_position, failures = p_failures,
    last_success_at = case
      when exists (select from unnest(p_answer_statuses) s where s between 200 and 299) then v_now
      else w.last_success_at
    end,
    last_failure_at = case
      when exists (select from unnest(p_answer_statuses) s where s is null or s not between 200 and 299) then v_now
      else w.last_failure_at
    end,
    status = case when p_pause_reason is null then w.status else 'paused' end,
    pause_reason = p_pause_reason,
    version = w.version + case when p_pause_reason is null then 0 else 1 end
  where w.id = p_webhook_id and w.version = p_version and w.status = 'active';
  if not found then
    return false;
  end if;

  delete from wallet.webhook_backlog b
  where b.webhook_id = p_webhook_id and b.event_id = any (p_delivered);
  with told as (
    select *
    from unnest(p_waiting, p_attempts, p_first_at, p_next_at, p_statuses, p_errors, p_dead)
      as t (event_id, attempts, first_at, next_at, status, error, dead)
  ), given_up as (
    insert into wallet.webhook_dead_letters as d (webhook_id, event_id, attempts, first_at, last_at, status, error)
    select p_webhook_id, t.event_id, t.attempts, t.first_at, v_now, t.status, t.error
    from told t
    where t.dead
    on conflict on constraint webhook_dead_letters_pkey do update
    set attempts = excluded.attempts, first_at = excluded.first_at, last_at = excluded.last_at,
      status = excluded.status, error = excluded.error
    returning d.event_id
  ), removed as (
    delete from wallet.webhook_backlog b
    using given_up g
    where b.webhook_id = p_webhook_id and b.event_id = g.event_id
  )
  insert into wallet.webhook_backlog (webhook_id, event_id, attempts, first_at, next_at, status, error)
  select p_webhook_id, t.event_id, t.attempts, t.first_at, t.next_at, t.status, t.error
  from told t
  where not t.dead
  on conflict on constraint webhook_backlog_pkey do update
  set attempts = excluded.attempts, first_at = excluded.first_at, next_at = excluded.next_at, status = excluded.status,
    error = excluded.error;

  insert into wallet.webhook_deliveries (
    webhook_id, first_event_id, last_event_id, events, attempt, outcome, status, error, milliseconds, answer
  )
  select p_webhook_id, t.first_id, t.last_id, t.events, t.attempt,
    case when t.status between 200 and 299 then 'delivered' else 'failed' end, t.status, t.error, t.milliseconds,
    t.answer
  from unnest(
    p_first_ids, p_last_ids, p_counts, p_tries, p_answer_statuses, p_answer_errors, p_milliseconds, p_answers
  ) as t (first_id, last_id, events, attempt, status, error, milliseconds, answer);
  return true;
end;
$$;

comment on function public.wallet_relay_progress(
  uuid, bigint, bigint, integer, text, bigint[], bigint[], integer[], timestamptz[], timestamptz[], integer[], text[],
  boolean[], bigint[], bigint[], integer[], integer[], integer[], text[], integer[], text[]
) is
$$ For the relay: what became of a webhook's events since its last call. Returns false, and notes nothing, where the
webhook is not active any more or has another version: read it again.

p_webhook_id, p_version  as wallet_relay_webhooks() gave them
p_position    every event up to this id is delivered, in the backlog or a dead letter
p_failures    attempts that failed since the last one that did not
p_pause_reason  why no more is delivered, from now on; null: deliveries go on
p_delivered   events that leave the backlog
p_waiting     events of the backlog, with p_attempts, p_first_at, p_next_at, p_statuses, p_errors; p_dead: dead letters
p_first_ids, p_last_ids, p_counts, p_tries, p_answer_statuses, p_answer_errors, p_milliseconds, p_answers  attempts,
for the log of deliveries

Errors: WA002 invalid argument; WA024 invalid position; WA035 the service and administrators only. $$;
