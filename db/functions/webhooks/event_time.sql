create or replace function wallet.event_time(
  p_id bigint
)
returns timestamptz
language sql
stable
as $$
  select coalesce(
    (select t.created_at from wallet.transactions t where t.id = p_id),
    (select h.created_at from wallet.hold_events h where h.id = p_id),
    (select a.created_at from wallet.account_events a where a.id = p_id)
  )
$$;

comment on function wallet.event_time(bigint) is 'When the event with this id happened; null where there is none.';
