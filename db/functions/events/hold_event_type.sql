create or replace function wallet.hold_event_type(
  p_event text
)
returns text
language sql
immutable
as $$
  select case p_event when 'hold' then 'hold.opened' when 'void' then 'hold.voided' when 'expired' then 'hold.expired' end
$$;

comment on function wallet.hold_event_type(text) is 'The name of the event that a row of wallet.hold_events is; null for a capture, which is a transaction''s.';
